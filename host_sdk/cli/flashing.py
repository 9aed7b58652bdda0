"""`xipnet flash`: a firmware onto a board."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from host_sdk.cli.boards import print_board
from host_sdk.cli.common import print_facts
from host_sdk.cli.rescuing import what_is_lost
from host_sdk.display.progress import byte_progress
from host_sdk.errors import PortNotFoundError, StoreError

if TYPE_CHECKING:
    import host_sdk
    from host_sdk.flashing.flash import Way
    from host_sdk.flashing.known_boards import KnownBoard


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option("--board", metavar="BOARD", help="pico, pico2, nucleo_f446re, ...")
@click.option(
    "--port", metavar="PORT", help="The board's serial port: where its boot loader or it answers."
)
@click.option("--yes", is_flag=True, help="Do not ask before writing; never formats a store.")
def flash(file: str | None, board: str | None, port: str | None, yes: bool) -> None:
    """Write a firmware to a board and wait until it answers.

    FILE is an image (UF2, or .bin of an STM32); without it the board's firmware is built here.
    The board is found by its boot drive (Pico: hold BOOTSEL while plugging in), the drive of its
    ST-LINK, its USB boot loader (with dfu-util installed), or at --port: in its UART boot loader
    (STM32 with BOOT0 high), or a running Pico.
    """
    from host_sdk.flashing.flash import choose, wait_for_board, waiting_boards
    from host_sdk.flashing.image import read_image
    from host_sdk.flashing.known_boards import known_board

    wanted = known_board(board) if board else None
    image = read_image(Path(file), wanted) if file else None
    with waiting_boards(image.board if image else wanted, port) as ways:
        if image is None:
            image = read_image(_built(wanted, ways), wanted)
        plan = choose(image, ways)
        print_facts(plan.facts())
        if not yes:
            click.confirm("Write it?", abort=True)
        with byte_progress(True, image.board.name) as show:
            assert show is not None
            verified = plan.way.write(image, show)
    click.echo(f"written: {verified}; waiting for the board")
    with wait_for_board(image.board, port) as device:
        print_board(device.info())
        if not yes:
            _offer_format(device)


def _built(board: KnownBoard | None, ways: list[Way]) -> Path:
    """Build the firmware of the board that waits."""
    from device_fw.build import firmware_path
    from host_sdk.flashing.flash import fitting_boards, no_board_text
    from host_sdk.flashing.known_boards import known_boards

    if not ways:
        boards = [board] if board else known_boards().values()
        raise PortNotFoundError(no_board_text(boards))
    fitting = [board] if board else fitting_boards(ways)
    if len(fitting) > 1:
        names = ", ".join(b.name for b in fitting)
        raise click.UsageError(f"which firmware? name it with --board: {names}")
    return firmware_path(fitting[0].name).with_name(fitting[0].image)


def _offer_format(device: host_sdk.Device) -> None:
    """Ask before a store is formatted whose flash holds something else."""
    try:
        device.ls()
    except StoreError:
        click.echo(what_is_lost(device))
        click.confirm("Format it? What its flash holds, such as old files, is lost", abort=True)
        device.format()
