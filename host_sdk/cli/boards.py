"""`xipnet boards`, `xipnet info`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

import host_sdk
from device_fw.boards import board_for_cpu, load_board, virtual_names
from host_sdk.cli.common import board_command, json_option, print_facts, print_json

if TYPE_CHECKING:
    from host_sdk.link.board_info import BoardInfo


@click.command()
@json_option
def boards(as_json: bool) -> None:
    """List serial ports and virtual boards."""
    from serial.tools import list_ports

    found = [
        {"port": p.device, "what": p.description or "serial port"}
        for p in sorted(list_ports.comports())
        if p.vid is not None
    ]
    for name in virtual_names():
        board = load_board(name)
        port = board.cpu if board_for_cpu(board.cpu) == board else name
        found.append({"port": f"sim://{port}", "what": f"{board.title}, {name}"})
    if as_json:
        print_json(found)
    else:
        print_facts({b["port"]: b["what"] for b in found})


@click.command()
@board_command
@json_option
def info(board: host_sdk.Device, as_json: bool) -> None:
    """Show a board, its firmware and its limits."""
    if as_json:
        print_json(asdict(board.info()))
    else:
        print_board(board.info())


def print_board(i: BoardInfo) -> None:
    """Print what a board says of itself."""
    print_facts(
        {
            "board": f"{i.board} ({i.cpu})",
            "firmware": f"{i.firmware}, {i.python}",
            "protocol": f"{i.protocol[0]}.{i.protocol[1]}",
            "flash": f"{i.free_bytes:,} of {i.flash_bytes:,} bytes free",
            "RAM": f"{i.arena_bytes:,} bytes for models, {i.stack_bytes:,} bytes of stack",
            "started": f"{i.boot}; resets since power-on: {i.boot.resets}",
            "scripts": f"safe mode, by {i.safe}: boot and main were not run" if i.safe else "run",
            "methods": " ".join(i.methods),
            **({"trouble": "; ".join(i.troubles)} if i.troubles else {}),
        }
    )


@click.command()
@board_command
@click.option("--safe", is_flag=True, help="Do not run its scripts boot and main this time.")
def reset(board: host_sdk.Device, safe: bool) -> None:
    """Restart the board."""
    board.reset(safe=safe)
