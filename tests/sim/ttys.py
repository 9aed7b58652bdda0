"""A serial cable between two real terminals.

What is sent at one speed and received at another is sampled as a UART would: it arrives as the
nonsense that it is on real lines.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import termios
import threading
import time
import tty
from pathlib import Path
from types import TracebackType

from device_fw.boards import board_for_cpu, qemu_command
from device_fw.build import firmware_path

_RATES = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name[1:].isdigit()}
_LOOK_S = 0.002  # how often an idle line's speeds are looked at
_WRITTEN_BEFORE_S = 0.005  # what the board sent just before it changed
_STEPS = 16  # at which a receiver looks for a start bit, for each of its bits


class End:
    """One end of the cable.

    Attributes:
        name: of the terminal.
    """

    def __init__(self) -> None:
        self.leader, self._follower = os.openpty()
        tty.setraw(self._follower)
        self.name = os.ttyname(self._follower)

    @property
    def baud(self) -> int:
        """What its user has set."""
        return _RATES[termios.tcgetattr(self.leader)[5]]

    def close(self) -> None:
        os.close(self.leader)
        os.close(self._follower)


class SerialBoard:
    """The real firmware behind a terminal.

    Attributes:
        port: for the host.
    """

    def __init__(self, cpu: str, flash: Path) -> None:
        board = board_for_cpu(cpu)
        self._host, self._board = End(), End()
        self.port = self._host.name
        command = qemu_command(board, firmware_path(board.name), flash, self._board.name)
        self._ended, self._end = os.pipe()
        self._cable = threading.Thread(target=self._carry, daemon=True)
        self._cable.start()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    @property
    def bauds(self) -> tuple[int, int]:
        """The speeds of host and board."""
        return self._host.baud, self._board.baud

    def __enter__(self) -> SerialBoard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.write(self._end, b"x")
        self._cable.join()
        for end in (self._host, self._board):
            end.close()
        os.close(self._ended)
        os.close(self._end)

    def _carry(self) -> None:
        ways = {self._host.leader: self._board, self._board.leader: self._host}
        for number in ways:
            os.set_blocking(number, False)
        seen, changed_s = 0, 0.0
        while True:
            ready = select.select([*ways, self._ended], [], [], _LOOK_S)[0]
            if self._ended in ready:
                return
            host, board = self.bauds
            if board != seen:
                seen, changed_s = board, time.monotonic()
            for number in ready:
                data = os.read(number, 4096)
                if number == self._host.leader:
                    data = resample(data, host, board)
                elif time.monotonic() - changed_s > _WRITTEN_BEFORE_S:
                    data = resample(data, board, host)
                with contextlib.suppress(BlockingIOError):  # nobody reads there
                    os.write(ways[number].leader, data)


def resample(data: bytes, sent: int, received: int) -> bytes:
    """Return what a UART makes of bytes that were sent at another speed."""
    if sent == received:
        return data
    line = [bit for byte in data for bit in (0, *((byte >> i) & 1 for i in range(8)), 1)]

    def level(step: float) -> int:
        at = int(step * sent / received / _STEPS)
        return line[at] if at < len(line) else 1

    out = bytearray()
    step, end = 0.0, len(line) * _STEPS * received / sent
    while step < end:
        if level(step) or level(step + _STEPS / 2):
            step += 1
            continue
        out.append(sum(level(step + (1.5 + i) * _STEPS) << i for i in range(8)))
        step += 9.5 * _STEPS
        while step < end and not level(step):  # no stop bit: the line must come up first
            step += 1
    return bytes(out)
