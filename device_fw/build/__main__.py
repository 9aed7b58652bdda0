"""The command line: `python -m device_fw.build --board BOARD` or `--all`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from device_fw.boards import (
    LOCKABLE_SUFFIX,
    Board,
    board_names,
    load_board,
    read_board,
    virtual_names,
)
from device_fw.build import build_firmware
from device_fw.build.folders import build_dir
from device_fw.build.rooms import rooms_of
from device_fw.build.rp2 import rp2_boards
from device_fw.build.size import ram_bytes, text_bytes
from device_fw.errors import FirmwareError


def main(arguments: list[str] | None = None) -> int:
    """Build what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(prog="device_fw.build", description="Builds the firmware.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--board",
        help="build this board's firmware: "
        f"{', '.join([*board_names(), *rp2_boards()])}, or the path of a TOML; "
        f"BOARD{LOCKABLE_SUFFIX}: of the firmware that can be locked",
    )
    which.add_argument("--all", action="store_true", help="build every virtual board's")
    parser.add_argument(
        "--rooms",
        action="store_true",
        help="also say which folders the code's bytes come from (not of pico, pico2)",
    )
    parser.add_argument("--out", type=Path, default=build_dir() / "firmware", help="output folder")
    options = parser.parse_args(arguments)
    try:
        for name in virtual_names() if options.all else [options.board]:
            board = name if name in rp2_boards() else _board(name)
            elf = build_firmware(board, options.out)
            print(elf)
            if isinstance(board, str):
                print(elf.with_suffix(".uf2"))
                continue
            if board.is_flat:
                print(elf.with_suffix(".bin"))
            _print_sizes(board, elf)
            if options.rooms:
                for room, size in rooms_of(elf).items():
                    print(f"  {size:9,}  {room}")
    except (FirmwareError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _print_sizes(board: Board, elf: Path) -> None:
    """Say what the firmware takes, and what it leaves for models."""
    size, limit = text_bytes(elf), board.text_max
    print(f"  code: {size:,} of {limit:,} bytes, {limit - size:,} left", file=sys.stderr)
    parts, limit = ram_bytes(elf), board.memory["data"].length
    told = ", ".join(f"{name} {n:,}" for name, n in parts.items())
    left = limit - sum(parts.values())
    print(f"  RAM: {told} of {limit:,} bytes, {left:,} left", file=sys.stderr)
    arena, store = board.memory["arena"].length, board.flash_bytes - board.files_bytes
    print(f"  for models: {arena:,} bytes of RAM, a store of {store:,}", file=sys.stderr)


def _board(name: str) -> Board:
    if name.endswith(".toml"):
        return read_board(Path(name).resolve())
    known = [*board_names(), *rp2_boards()]
    if name.removesuffix(LOCKABLE_SUFFIX) not in known:
        raise ValueError(f"board must be one of {', '.join(known)}, or a TOML; is {name!r}")
    return load_board(name)


if __name__ == "__main__":
    sys.exit(main())
