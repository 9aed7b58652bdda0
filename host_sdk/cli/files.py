"""`xipnet put`, `get`."""

from __future__ import annotations

from pathlib import Path

import click

import host_sdk
from host_sdk.cli.common import board_command, seal_option, show_note
from host_sdk.display.plain import plain_file_name


@click.command()
@board_command
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--name", help="Name in the store, for one FILE; by default the file's own.")
@seal_option
def put(board: host_sdk.Device, files: tuple[str, ...], name: str | None, seal: str | None) -> None:
    """Put FILEs into the store: scripts, .mpy, data, NAME.weights.bin.

    main.py runs at the next start.
    """
    from host_sdk.store.files import own_name

    if len(files) != 1 and (name is not None or seal is not None):
        raise click.UsageError("--name and --seal are for one FILE")
    for file in files:
        stored = board.put(name or own_name(Path(file).name), Path(file), seal=seal)
        sent = f"sent {stored.sent_bytes:,} bytes"
        how = sent if stored.sent_bytes else "the board had it already"
        click.echo(f"{stored.name}: version {stored.version}; {how}")
        show_note(stored.note)


@click.command()
@board_command
@click.argument("name")
@click.argument("file", required=False, type=click.Path(dir_okay=False, allow_dash=True))
def get(board: host_sdk.Device, name: str, file: str | None) -> None:
    """Get an object of the store into a FILE ("-": standard output; by default NAME).

    By default what NAME has of paths and the like is escaped: "a/b" becomes the file "a%2Fb".
    """
    data = board.get(name)
    with click.open_file(file or plain_file_name(name), "wb") as out:
        out.write(data)
