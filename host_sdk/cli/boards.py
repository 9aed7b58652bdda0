"""`xipnet boards`, `xipnet info`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

import host_sdk
from device_fw.boards import board_for_cpu, load_board, virtual_names
from host_sdk.cli.common import (
    board_command,
    json_option,
    print_facts,
    print_json,
    print_table,
)
from host_sdk.display.plain import plain_line
from host_sdk.errors import LinkError
from host_sdk.flashing.known_boards import known_boards

if TYPE_CHECKING:
    from host_sdk.link.board_info import BoardInfo
    from host_sdk.transports.usb import UsbPort

_ASK_S = 1.0


@click.command()
@click.option("--ask", is_flag=True, help="Ask each serial port which board answers.")
@click.option("--all", "known", is_flag=True, help="List the boards that there is firmware for.")
@json_option
def boards(ask: bool, known: bool, as_json: bool) -> None:
    """List serial ports, what is plugged in there, and virtual boards.

    A USB id tells a chip, seldom a board. With --ask each port is opened and asked for a
    second: some boards restart when their port is opened.
    """
    if known:
        _show_known(as_json)
        return
    from host_sdk.transports.usb import boot_modes, usb_ports

    found = [_plugged(port, ask) for port in usb_ports()]
    found += [{"port": "", "what": known.name, "kind": known.kind} for known in boot_modes()]
    for name in virtual_names():
        board = load_board(name)
        what = f"{board.title}, {name}"
        port = board.cpu if board_for_cpu(board.cpu) == board else name
        found.append({"port": f"sim://{port}", "what": what, "kind": "virtual"})
    if as_json:
        print_json(found)
        return
    width = max(len(b["port"]) for b in found)
    for b in found:
        answer = f": {b['answer']}" if "answer" in b else ""
        click.echo(plain_line(f"{b['port'].ljust(width)}  {b['what']}{answer}"))


def _show_known(as_json: bool) -> None:
    """Show which boards there are, what was seen of each, and what it has for models."""
    from host_sdk.store.board_space import board_spaces

    spaces = {space.name: space for space in board_spaces()}
    known = [(b.name, b.title, b.chip.name, b.state, b.image) for b in known_boards().values()]
    virtual = [load_board(name) for name in virtual_names()]
    known += [(b.name, b.title, b.cpu, "tested (QEMU)", "") for b in virtual]
    rows = []
    for name, title, chip, state, image in known:
        row: dict[str, object] = {"name": name, "board": title, "chip": chip, "state": state}
        row["image_bytes"] = _image_bytes(name, image)
        row["ram_bytes"] = spaces[name].arena_bytes
        row["store_bytes"] = spaces[name].object_bytes
        rows.append(row)
    if as_json:
        print_json(rows)
        return
    heads = ("board", "chip or core", "state", "image", "RAM", "store")
    cells = [[_cell(value) for key, value in row.items() if key != "board"] for row in rows]
    print_table(heads, cells)
    click.echo(
        "Bytes: of the image if it was built here (make firmware BOARD=...); of RAM and store what "
        "is left for models."
    )


def _image_bytes(name: str, image: str) -> int | None:
    """Return how much flash a firmware takes that was built here; None: it was not."""
    from device_fw.build.folders import build_dir

    path = build_dir() / "firmware" / name
    if (uf2 := path.with_suffix(".uf2")).name == image and uf2.is_file():
        return uf2.stat().st_size // 2  # 256 bytes of 512
    if not (elf := path.with_suffix(".elf")).is_file():
        return None
    from device_fw.build.size import text_bytes

    return text_bytes(elf)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plugged(port: UsbPort, ask: bool) -> dict[str, str]:
    known = port.known
    seen = {"port": port.port, "what": known.name, "kind": known.kind, "usb": port.number}
    if port.serial_number:
        seen["serial_number"] = port.serial_number
    if ask:
        seen["answer"] = _answer(port.port)
    return seen


def _answer(port: str) -> str:
    """Ask a port for its board."""
    from host_sdk.link.identify import identify
    from host_sdk.transports import open_transport

    try:
        info = identify(open_transport(port), _ASK_S)
    except LinkError as error:
        return str(error)
    return f"{info.board} ({info.cpu}), firmware {info.firmware}"


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
            "board": f"{i.board} ({i.cpu}{_at(i.hz)})",
            "firmware": f"{i.firmware}, {i.python}",
            "protocol": f"{i.protocol[0]}.{i.protocol[1]}",
            "flash": f"{i.free_bytes:,} of {i.flash_bytes:,} bytes free",
            "RAM": f"{i.arena_bytes:,} bytes for models, {i.stack_bytes:,} bytes of stack",
            "started": f"{i.boot}; resets since power-on: {i.boot.resets}",
            "scripts": f"safe mode, by {i.safe}: boot and main were not run" if i.safe else "run",
            "trust": _trust(i),
            "methods": " ".join(i.methods),
            **({"trouble": "; ".join(i.troubles)} if i.troubles else {}),
        }
    )


def _trust(i: BoardInfo) -> str:
    if i.trust is None:
        return "unsigned accepted; cannot be locked"
    return f"{i.trust}, unlocked until its next start" if i.unlocked else i.trust


def _at(hz: int) -> str:
    return f" at {hz / 1e6:g} MHz" if hz else ""


@click.command()
@board_command
@click.option("--safe", is_flag=True, help="Do not run its scripts boot and main this time.")
def reset(board: host_sdk.Device, safe: bool) -> None:
    """Restart the board."""
    board.reset(safe=safe)
