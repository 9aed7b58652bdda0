"""STM32's boot loader in ROM over USB, by the program dfu-util (DfuSe, ST UM0424)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
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
_PERCENT = re.compile(r"(\d+)%")
_LIST_S = 20.0


@dataclass(frozen=True)
class DfuDevice:
    """A chip whose boot loader is on USB.

    Attributes:
        serial: of its USB descriptor.
        alt: the alternate setting of its flash.
        layout: of its flash, as DfuSe names it.
    """

    serial: str
    alt: str
    layout: str

    def __str__(self) -> str:
        return f"USB boot loader {plain_line(self.serial)} (dfu-util)"

    def fits(self, board: KnownBoard) -> bool:
        """Whether its flash is laid out as the board's: DFU tells no chip."""
        return bool(board.chip.id) and self.layout.lower() == board.chip.dfu_layout.lower()

    def lost(self, image: FirmwareImage) -> str:
        """Say what the writing destroys."""
        return "the sectors that the image covers; the others stay"

    def write(self, image: FirmwareImage, progress: Progress) -> str:
        """Write, read back, start.

        Returns:
            What was verified.

        Raises:
            BootloaderError: dfu-util failed, or read other bytes.
        """
        [(address, data)] = image.parts
        with tempfile.TemporaryDirectory(prefix="xipnet-") as folder:
            file, back = Path(folder) / "image.bin", Path(folder) / "back.bin"
            file.write_bytes(data)
            where = f"0x{address:08x}"
            self._run(["-s", where, "-D", str(file)], 0, progress)
            # `leave` starts what is at the address, after the reading.
            self._run(["-s", f"{where}:{len(data)}:leave", "-U", str(back)], 100, progress)
            if not back.is_file() or back.read_bytes() != data:
                raise BootloaderError(f"{self}: flash at {where} is not what was written")
        return f"{len(data):,} bytes read back"

    def _run(self, words: list[str], done: int, progress: Progress) -> None:
        """Run dfu-util and follow the percents that it prints."""
        command = ["dfu-util", "-d", _ID, "-a", self.alt, "-S", self.serial, *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            said = b""
            while piece := os.read(process.stdout.fileno(), 4096):
                said = (said + piece)[-4096:]
                if percents := _PERCENT.findall(said.decode("utf-8", "replace")):
                    progress(done + min(int(percents[-1]), 100), 200)
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
