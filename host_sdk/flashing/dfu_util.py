"""STM32's boot loader in ROM over USB, by the program dfu-util (DfuSe, ST UM0424)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from host_sdk.display.plain import plain_line
from host_sdk.display.progress import Progress
from host_sdk.errors import BootloaderError
from host_sdk.flashing.image import FirmwareImage
from host_sdk.flashing.known_boards import KnownBoard

_ID = "0483:df11"
_FOUND = re.compile(
    rf'Found DFU: \[{_ID}\].*\balt=(\d+), name="@Internal Flash *(/[^"]*)", serial="([^"]*)"'
)
_SECTORS = re.compile(r"(\d+)\*(\d+)([ KM])", re.IGNORECASE)
_UNITS = {" ": 1, "K": 1 << 10, "M": 1 << 20}
_MOST_SECTORS = 1 << 12
_PERCENT = re.compile(r"(\d+)%")
_LIST_S = 20.0


@dataclass(frozen=True)
class DfuDevice:
    """A chip whose boot loader is on USB.

    Attributes:
        serial: of its USB descriptor.
        alt: the alternate setting of its flash.
        layout: of its flash, as DfuSe names it (ST UM0424, 10.3.2): address, and a run of sectors
            each, as "/0x08000000/04*016Kg,01*064Kg".
    """

    serial: str
    alt: str
    layout: str

    def __str__(self) -> str:
        return f"USB boot loader {plain_line(self.serial)} (dfu-util)"

    def fits(self, board: KnownBoard) -> bool:
        """Whether its flash is laid out as the board's: DFU tells no chip."""
        return bool(board.chip.id) and _sectors(self.layout) == board.chip.sectors

    def lost(self, image: FirmwareImage) -> str:
        """Say what the writing destroys."""
        numbers = ", ".join(str(n) for n, _, _ in image.sectors())
        return f"sectors {numbers} of the flash; the others stay"

    def write(self, image: FirmwareImage, progress: Progress) -> str:
        """Write, read back, start.

        Returns:
            What was verified.

        Raises:
            BootloaderError: dfu-util failed, or read other bytes.
        """
        runs = list(image.runs())
        step, steps = iter(range(2 * len(runs))), 2 * len(runs)

        def run(*words: str) -> None:
            done = 100 * next(step)
            self._run(words, lambda percent: progress(done + percent, 100 * steps))

        with tempfile.TemporaryDirectory(prefix="xipnet-") as folder:
            for address, data in runs:
                file = Path(folder) / f"{address:08x}.bin"
                file.write_bytes(data)
                run("-s", f"0x{address:08x}", "-D", str(file))
            # `leave` starts what is at the address, after the reading: the lowest comes last.
            for address, data in reversed(runs):
                leave = ":leave" if address == runs[0][0] else ""
                back = Path(folder) / f"{address:08x}.back"
                run("-s", f"0x{address:08x}:{len(data)}{leave}", "-U", str(back))
                if not back.is_file() or back.read_bytes() != data:
                    raise BootloaderError(
                        f"{self}: flash at 0x{address:08x} is not what was written"
                    )
        return f"{sum(len(data) for _, data in runs):,} bytes read back"

    def _run(self, words: Sequence[str], show: Callable[[int], None]) -> None:
        """Run dfu-util and follow the percents that it prints."""
        command = ["dfu-util", "-d", _ID, "-a", self.alt, "-S", self.serial, *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            said = b""
            while piece := os.read(process.stdout.fileno(), 4096):
                said = (said + piece)[-4096:]
                if percents := _PERCENT.findall(said.decode("utf-8", "replace")):
                    show(min(int(percents[-1]), 100))
        if process.returncode != 0:
            lines = said.decode("utf-8", "replace").strip().splitlines() or ["no word"]
            raise BootloaderError(
                f"{self}: dfu-util ended with {process.returncode}: {plain_line(lines[-1])}"
            )


def find_dfu_devices() -> Iterator[DfuDevice]:
    """Yield the STM32 chips that dfu-util sees; none if it is not installed."""
    if shutil.which("dfu-util") is None:
        return
    try:
        shown = subprocess.run(
            ["dfu-util", "-l"], capture_output=True, timeout=_LIST_S, check=False
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.TimeoutExpired):
        return
    for alt, layout, serial in _FOUND.findall(shown):
        yield DfuDevice(serial, alt, layout)


def _sectors(layout: str) -> tuple[int, ...]:
    """Return the bytes of each sector of a layout."""
    runs = [
        (int(n), int(size) * _UNITS[unit.upper()]) for n, size, unit in _SECTORS.findall(layout)
    ]
    if sum(n for n, _ in runs) > _MOST_SECTORS:
        return ()
    return tuple(size for n, size in runs for _ in range(n))
