"""`xipnet run`: a Python file on the board."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TextIO

import click

import host_sdk
from host_sdk.cli.common import board_command


@click.command()
@board_command
@click.argument("script", type=click.File("r", encoding="utf-8"))
def run(board: host_sdk.Device, script: TextIO) -> None:
    """Run a Python SCRIPT on the board ("-": standard input); its output comes live.

    Ctrl-C interrupts it there.
    """
    with _live(board):
        board.exec(script.read())


@contextlib.contextmanager
def _live(board: host_sdk.Device) -> Iterator[None]:
    """Show what the board prints from now on."""

    def show(text: str) -> None:
        sys.stdout.write(text.replace("\r\n", "\n"))
        sys.stdout.flush()

    board.stdout.read()
    board.stdout.listener = show
    try:
        yield
    finally:
        board.stdout.listener = None
