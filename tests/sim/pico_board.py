"""The Raspberry Pi Pico in its emulator, as a Device."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from host_sdk import Device
from host_sdk.link.request import PendingRequest
from host_sdk.link.values import Value
from host_sdk.link.window import Window
from host_sdk.transports.stream import SocketTransport
from tests.local_port import connect, free_port

__all__ = ["WAIT_S", "patience", "plugged"]

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 600.0
PATIENCE = 60.0  # the emulator is 20 times slower than the chip on a PC at rest, a busy PC far more


@contextmanager
def patience() -> Iterator[None]:
    """Let requests take as long as the emulator does."""
    submit = Window.submit

    def wait_longer(
        window: Window, method: str, params: tuple[Value, ...], timeout_s: float | None
    ) -> PendingRequest | None:
        return submit(window, method, params, None if timeout_s is None else timeout_s * PATIENCE)

    with patch.object(Window, "submit", wait_longer):
        yield


@contextmanager
def plugged(
    firmware: Path, flash: Path, cut: int = 0, transfers: Path | None = None
) -> Iterator[Device]:
    """Power the board.

    Args:
        firmware: the image, UF2.
        flash: keeps the flash; made if it is missing.
        cut: power goes in the middle of this flash operation; 0: never.
        transfers: gets a line for each transfer over USB, as pico_emulator.py writes it.
    """
    port = free_port()
    words = [str(firmware), str(flash), str(port), str(cut)]
    words += [str(transfers)] if transfers is not None else []
    command = [sys.executable, "-m", "tests.sim.pico_emulator", *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        with connect(port, WAIT_S) as wire:
            line = SocketTransport(wire, "pico", lambda: None)
            with Device(line, timeout_s=WAIT_S) as board:
                yield board
    finally:
        process.kill()
        process.wait()
