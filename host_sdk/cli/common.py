"""What the subcommands share: errors as sentences, the port, tables and JSON.

The command loads what it needs when it needs it: `host_sdk.Device` is imported at its first use.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

import host_sdk
from host_sdk.display.plain import plain_line, plain_text
from host_sdk.errors import XipnetError
from host_sdk.transports.open import PORT_VARIABLE
from relocatable.errors import RelocatableError

if TYPE_CHECKING:
    from rich.console import Console

    from host_sdk.connection import MaxBaud

_FACT_CHARACTERS = 4000  # the labels of a model are one fact

Command = TypeVar("Command", bound=Callable[..., Any])


class SdkGroup(click.Group):
    """A group that shows errors as sentences and keeps the order of its commands."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand."""
        try:
            return super().invoke(ctx)
        except (XipnetError, RelocatableError) as error:
            raise click.ClickException(plain_text(str(error))) from error
        except OSError as error:
            if error.filename is None:
                raise  # a pipe that was closed, which click knows
            text = plain_text(f"{error.filename}: {error.strerror}")
            raise click.ClickException(text) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names in the order of a session."""
        return list(self.commands)


def json_option(command: Command) -> Command:
    """Add --json, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def seal_option(command: Command) -> Command:
    """Add --seal."""
    return click.option(
        "--seal",
        type=click.Path(dir_okay=False, exists=True),
        help="By default FILE.seal, if there is one (docs/SIGNING.md).",
    )(command)


def show_note(note: str) -> None:
    """Show what a command's user should know, if there is something."""
    if note:
        click.echo(plain_line(f"note: {note}"), err=True)


def board_command(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the port's options; the command gets an open `Device` as its first argument."""

    @functools.wraps(command)
    def with_board(
        *args: Any, port: str | None, baud: int, max_baud: MaxBaud, **options: Any
    ) -> Any:
        with open_board(port, baud, max_baud) as board:
            return command(board, *args, **options)

    return port_options(with_board)


def port_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --port, --baud and --max-baud: the arguments of `open_board`."""
    options = (
        click.option(
            "--port",
            metavar="PORT",
            help=f"/dev/ttyACM0, COM3, socket://HOST:PORT, sim://cortex-m55, ... [{PORT_VARIABLE}]",
        ),
        click.option("--baud", default=115200, show_default=True, help="Speed of a serial port."),
        click.option(
            "--max-baud",
            type=read_rate,
            metavar="RATE|max",
            help="Raise the serial port's speed, together with the board.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def read_rate(text: str) -> MaxBaud:
    """Read a line speed: a positive number or "max"."""
    if text == "max":
        return "max"
    if not text.isdecimal() or int(text) == 0:
        raise click.BadParameter(f'must be a positive number or "max"; is {text!r}')
    return int(text)


def open_board(port: str | None, baud: int, max_baud: MaxBaud) -> host_sdk.Device:
    """Open the board that the port's options name."""
    device = host_sdk.Device(port, baud=baud, max_baud=max_baud)
    if device.started_serving:
        click.echo("note: told the board's MicroPython to serve: xipnet.serve()", err=True)
    return device


def print_json(value: Any) -> None:
    """Print a value for programs."""
    click.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"cannot print {type(value).__name__} as JSON")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Print a table; all columns but the first are right-aligned."""
    from rich.table import Table
    from rich.text import Text

    if title:
        click.echo(plain_line(title))
    table = Table(box=None, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain_line(cell)) for cell in row))
    console().print(table)


@functools.cache
def console() -> Console:
    """Make the console that tables and markup are printed on."""
    from rich.console import Console

    return Console(highlight=False)


def print_facts(facts: Mapping[str, str]) -> None:
    """Print names and values, one pair in a line."""
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        click.echo(plain_line(f"{name.ljust(width)}  {value}", _FACT_CHARACTERS))
