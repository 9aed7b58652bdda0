"""`xipnet ota`, `confirm`, `rollback`, `history`: docs/OTA.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import host_sdk
from host_sdk.cli.common import (
    board_command,
    json_option,
    print_json,
    print_table,
    seal_option,
    show_note,
)
from host_sdk.cli.compiling import ops_option, trust_option, weights_option
from host_sdk.display.progress import byte_bars
from host_sdk.transports.open import PORT_VARIABLE, default_port

if TYPE_CHECKING:
    from host_sdk.device import Confirm
    from host_sdk.inference.model_source import Weights


_TRIAL = (
    click.option(
        "--check",
        type=click.Path(dir_okay=False, exists=True),
        help="Python file to run on each board while the model is on trial; if it raises, the "
        "previous model returns.",
    ),
    click.option("--manual", is_flag=True, help="Keep it on trial until `xipnet confirm`."),
    click.option(
        "--within",
        default=60,
        show_default=True,
        metavar="SECONDS",
        help="How long a trial may last.",
    ),
    click.option(
        "--boots",
        default=0,
        show_default=True,
        help="Starts of the board that a trial may outlast.",
    ),
)


def trial_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what says how a new model is tried."""
    for option in reversed(_TRIAL):
        command = option(command)
    return command


@click.command()
@click.argument("model", type=click.Path())
@click.option(
    "--bundle",
    is_flag=True,
    help="MODEL is a pipeline.toml, or the bundle made of it: models, scripts and data switch as "
    "one.",
)
@click.option(
    "--port",
    "ports",
    metavar="PORT",
    multiple=True,
    help=f"Port of a board; repeat it for each board. [{PORT_VARIABLE}]",
)
@click.option("--baud", default=115200, show_default=True, help="Speed of serial ports.")
@click.option("--name", help="Name in the stores; by default the file's stem.")
@click.option(
    "--head",
    type=click.Path(dir_okay=False),
    help="TOML or C file, or auto; by default MODEL.toml.",
)
@ops_option
@weights_option
@trust_option
@seal_option
@trial_options
@json_option
def ota(
    model: str,
    bundle: bool,
    ports: tuple[str, ...],
    baud: int,
    name: str | None,
    head: str | None,
    ops: str | None,
    weights: Weights,
    trust: bool,
    seal: str | None,
    check: str | None,
    manual: bool,
    within: int,
    boots: int,
    as_json: bool,
) -> None:
    """Swap the model, or all, of boards at once, and show each one's result.

    A board that refuses keeps what it had; then the exit code is 1.
    """
    decide = decider(check, manual)
    if bundle:
        _refuse_with_bundle(head=head, ops=ops, weights=weights != "inside", trust=trust)
    ports = ports or (default_port(),)
    options: dict[str, Any] = {
        "confirm": decide,
        "confirm_s": within,
        "boots": boots,
        "seal": seal,
        "baud": baud,
    }
    swap_all: Callable[..., host_sdk.Swaps]
    if bundle:
        swap_all = host_sdk.swap_bundles
    else:
        options |= {"head": head, "ops": ops, "weights": weights, "trust": trust}
        swap_all = host_sdk.swap_models
    if as_json:
        swaps = swap_all(ports, model, name, **options)
        print_json([_facts(swap) for swap in swaps])
    else:
        with byte_bars(ports) as show:
            swaps = swap_all(ports, model, name, progress=show, **options)
        _print(swaps)
    if not swaps.ok:
        raise SystemExit(1)


def _refuse_with_bundle(**options: Any) -> None:
    """Refuse what a pipeline.toml says for each of its models.

    Raises:
        UsageError: an option has a value.
    """
    given = [f"--{name}" for name, value in options.items() if value]
    if given:
        raise click.UsageError(
            f"leave {', '.join(given)} out: a pipeline.toml says it for each model"
        )


def decider(check: str | None, manual: bool) -> Confirm:
    """Say who decides whether a model on trial stays.

    Raises:
        UsageError: two do.
    """
    if check and manual:
        raise click.UsageError("--check confirms by itself; leave --manual out")
    if check is None:
        return "manual" if manual else "auto"
    source = Path(check).read_text(encoding="utf-8")
    return _check_by(source)


def _check_by(source: str) -> Callable[[host_sdk.Device], None]:
    def check(board: host_sdk.Device) -> None:
        board.exec(source)

    return check


def _print(swaps: host_sdk.Swaps) -> None:
    columns = ("port", "board", "version", "sent", "time", "pause", "result")
    print_table(columns, [swap.cells() for swap in swaps])
    for swap in swaps:
        if swap.loaded is not None and swap.loaded.note:
            show_note(f"{swap.port}: {swap.loaded.note}")


def _facts(swap: host_sdk.Swap) -> dict[str, Any]:
    loaded = None if swap.loaded is None else asdict(swap.loaded)
    error = None if swap.error is None else str(swap.error)
    seconds = round(swap.seconds, 3)
    return {
        "port": swap.port,
        "board": swap.board,
        "ok": swap.ok,
        "loaded": loaded,
        "seconds": seconds,
        "error": error,
    }


@click.command()
@board_command
@click.argument("name", required=False)
def confirm(board: host_sdk.Device, name: str | None) -> None:
    """End a trial: the model stays. NAME is by default the active one's.

    On a board that is counted, nothing older than that object is taken from then on; NAME need
    not be on trial then.
    """
    board.confirm(name)


@click.command()
@board_command
@click.argument("name", required=False)
def rollback(board: host_sdk.Device, name: str | None) -> None:
    """Return to the version before. NAME is by default the active model's."""
    version = board.rollback(name)
    click.echo(f"version {version} is current" if version else "no version of it is left")


@click.command()
@board_command
@click.argument("name", required=False)
@json_option
def history(board: host_sdk.Device, name: str | None, as_json: bool) -> None:
    """Show a model's history. NAME is by default the active one's."""
    events = board.history(name)
    if as_json:
        print_json([asdict(e) for e in events])
        return
    rows = [
        (e.event, str(e.version or ""), f"{e.size_bytes:,}", e.sha256.hex()[:12], e.why)
        for e in events
    ]
    print_table(("event", "version", "bytes", "SHA-256", "why"), rows)
