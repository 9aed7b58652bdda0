"""The Raspberry Pi Pico in its emulator; text, and frames made by hand."""

from __future__ import annotations

import sys
from pathlib import Path

from device_fw.boards import Board
from tests.sim.machine import PROMPT, Machine

__all__ = ["PicoMachine"]


class PicoMachine(Machine):
    """The board, whose flash is in a file that outlives it."""

    wait_s = 240.0

    def _command(self, board: str | Board, flash: Path, firmware: Path | None) -> list[str]:
        assert firmware is not None
        words = [str(firmware), str(flash), str(self.port)]
        return [sys.executable, "-m", "tests.sim.pico_emulator", *words]

    def boot(self, prompt: bool = True) -> dict[str, int]:
        """Wait until the prompt answers; what the board says of why it started."""
        self.write(b"\r")
        self.until(PROMPT)
        report: dict[str, int] = self.call("hello", 1)["boot"]
        return report
