"""What the subcommands share: errors as sentences, the port, tables and JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from host_sdk.device import Device
from host_sdk.errors import XipnetError
from host_sdk.transports.open import PORT_VARIABLE
from relocatable.errors import RelocatableError

Command = TypeVar("Command", bound=Callable[..., Any])

console = Console(highlight=False)


class SdkGroup(click.Group):
    """Shows the packages' errors as sentences, in the order in which commands were added."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a subcommand."""
        try:
            return super().invoke(ctx)
        except (XipnetError, RelocatableError) as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.filename is None:
                raise  # a pipe that was closed, which click knows
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of a session."""
        return list(self.commands)


def json_option(command: Command) -> Command:
    """Adds --json, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def board_command(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --port and --baud; the command gets an open `Device` as its first argument."""

    @functools.wraps(command)
    def with_board(*args: Any, port: str | None, baud: int, **options: Any) -> Any:
        with Device(port, baud=baud) as board:
            return command(board, *args, **options)

    return port_options(with_board)


def port_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --port and --baud."""
    named = click.option(
        "--port",
        metavar="PORT",
        help=f"/dev/ttyACM0, COM3, socket://HOST:PORT, sim://cortex-m55, ... [{PORT_VARIABLE}]",
    )
    speed = click.option("--baud", default=115200, show_default=True, help="Of a serial port.")
    decorated: Callable[..., Any] = named(speed(command))
    return decorated


def print_json(value: Any) -> None:
    """Prints a value for programs."""
    click.echo(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"cannot print {type(value).__name__} as JSON")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """Prints a table; all columns but the first are right-aligned."""
    if title:
        click.echo(title)
    table = Table(box=None, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def print_facts(facts: Mapping[str, str]) -> None:
    """Prints names and values, one pair in a line."""
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        click.echo(f"{name.ljust(width)}  {value}")
