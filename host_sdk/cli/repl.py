"""`xipnet repl`: this terminal is the board's."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator

import click

import host_sdk
from host_sdk.cli.common import board_command

_EXIT = b"\x1d"  # Ctrl-]
_PROMPT = b"\x02"  # Ctrl-B: banner and prompt, even if a program left the raw mode on
_POLL_S = 0.1


@click.command()
@board_command
def repl(board: host_sdk.Device) -> None:
    """Talk with the board's MicroPython. Ctrl-] leaves; other keys are the board's."""
    if board.session.info.is_locked:
        raise click.ClickException("a locked board has no prompt: `xipnet unlock` it first")
    if sys.platform == "win32" or not sys.stdin.isatty():
        raise click.ClickException(
            "repl needs a terminal; for a script use `xipnet run SCRIPT`, on Windows mpremote"
        )
    click.echo(f"{board}\nCtrl-] leaves.", err=True)
    with _raw_terminal():
        board.stdout.listener = _show
        _show(board.stdout.read())
        board.write_text(_PROMPT)
        _pass_keys(board)
    click.echo()


def _show(text: str) -> None:
    os.write(sys.stdout.fileno(), text.encode())


def _pass_keys(board: host_sdk.Device) -> None:
    keyboard = sys.stdin.fileno()
    while board.is_open:
        if not select.select([keyboard], [], [], _POLL_S)[0]:
            continue
        keys = os.read(keyboard, 256)
        typed, leave, _ = keys.partition(_EXIT)
        board.write_text(typed.replace(b"\0", b""))
        if leave or not keys:
            return


@contextlib.contextmanager
def _raw_terminal() -> Iterator[None]:
    """Pass every key at once and unchanged, Ctrl-C too."""
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    tty.setraw(keyboard)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
