"""Say what of a board's flash and RAM its firmware and some models take.

python -m tools.board_fit nucleo_f446re tests/models/mnist_small_f32.tflite ...

Prints a table for `docs/BOARDS.md`. The firmware is built, the models are compiled for the board's
CPU; each model has a whole number of the flash's sectors.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from device_fw.boards import Board, load_board
from device_fw.build import firmware_path
from device_fw.build.size import ram_bytes, text_bytes
from relocatable import compile_model
from relocatable.blob.cost import report

__all__ = ["rows"]

_KB = 1024


def rows(board: Board, models: list[Path]) -> list[tuple[str, int, int]]:
    """Return what takes how many bytes of flash and of RAM.

    Args:
        board: the board.
        models: `.tflite` files.
    """
    elf = firmware_path(board)
    stack = board.memory["stack"].length
    found = [("firmware", text_bytes(elf), stack + sum(ram_bytes(elf).values()))]
    for model in models:
        blob = compile_model(model, target=board.cpu)
        found.append((model.stem, len(blob), report(blob).arena_bytes))
    return found


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("board")
    parser.add_argument("models", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    board = load_board(options.board)
    table = rows(board, options.models)
    arena = board.memory["arena"].length
    print(f"| {board.title} | flash | RAM |")
    print("|---|--:|--:|")
    for name, flash, ram in table:
        print(f"| {name} | {flash:,} | {ram:,} |")
    ram = max(ram for _, _, ram in table[1:])
    print(f"| room for models: store, arenas | {board.flash_bytes:,} | {arena:,} |")
    print(f"| RAM left while the largest runs | | {arena - ram:,} |")


if __name__ == "__main__":
    main()
