"""`xipnet rescue`, `format`: what to do with a damaged store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

import host_sdk
from host_sdk.cli.common import (
    board_command,
    json_option,
    open_board,
    port_options,
    print_json,
    print_table,
)
from host_sdk.display.progress import byte_progress
from host_sdk.errors import StoreError

if TYPE_CHECKING:
    from host_sdk.connection import MaxBaud
    from host_sdk.store.rescue import Rescue


@click.command()
@port_options
@click.argument("folder", type=click.Path(file_okay=False))
@click.option(
    "--flash", type=click.Path(dir_okay=False), help="Read a file that holds a board's flash."
)
@json_option
def rescue(
    port: str | None, baud: int, max_baud: MaxBaud, folder: str, flash: str | None, as_json: bool
) -> None:
    """Copy all that is whole out of a store, damaged or not, into a new FOLDER.

    Nothing is written to the board. What is damaged is copied too, to a file that ends in
    "~damaged"; then, and if records of the log cannot be read, the exit code is 1.
    """
    if flash is not None and port is not None:
        raise click.UsageError("--flash reads a file; leave --port out")
    if flash is not None:
        rescued = _rescue_file(Path(flash), Path(folder), not as_json)
    else:
        with open_board(port, baud, max_baud) as board:
            rescued = board.rescue(folder, progress=not as_json)
    if as_json:
        print_json({**asdict(rescued), "ok": rescued.ok})
    else:
        print_table(rescued.columns, rescued.rows(), rescued.title)
    if not rescued.ok:
        raise SystemExit(1)


def _rescue_file(flash: Path, folder: Path, shows: bool) -> Rescue:
    from host_sdk.store.raw_flash import FileFlash
    from host_sdk.store.rescue import rescue

    with FileFlash(flash) as raw, byte_progress(shows, "rescue") as show:
        return rescue(raw, folder, show)


@click.command(name="format")
@board_command
@click.option("--yes", is_flag=True, help="Do not ask.")
def format_store(board: host_sdk.Device, yes: bool) -> None:
    """Empty a board's store: all models, scripts and data are lost."""
    click.echo(what_is_lost(board))
    if not yes:
        click.confirm("Erase it all?", abort=True)
    board.format()


def what_is_lost(board: host_sdk.Device) -> str:
    """Say what formatting a board's store destroys."""
    where = f"the store of {board.info().board}"
    try:
        objects = board.ls()
    except StoreError as error:
        return f"{where}: {error.message}; `xipnet rescue` copies out what is whole"
    names = ", ".join(o.name for o in objects) or "nothing"
    total = sum(o.size_bytes for o in objects)
    return f"{where} holds {len(objects)} objects, {total:,} bytes: {names}; and earlier versions"
