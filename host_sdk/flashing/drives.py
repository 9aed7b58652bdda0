"""Boards that are a drive: boot loaders that take UF2, debuggers that take .bin."""

from __future__ import annotations

import os
import re
import string
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from host_sdk.display.plain import plain_line
from host_sdk.display.progress import Progress
from host_sdk.errors import BootloaderError
from host_sdk.flashing.image import FirmwareImage
from host_sdk.flashing.known_boards import Chip, KnownBoard, chips, known_boards

_INFO = "INFO_UF2.TXT"
_BOARD_ID = re.compile(r"^Board-ID:\s*(\S+)", re.MULTILINE)
_ST_LINK_PAGE = "MBED.HTM"
_FAILED = "FAIL.TXT"
_GONE_S = 60.0
_ST_LINK_S = 10.0  # to program, and to come back with its verdict
_PIECE = 16 * 1024
_MOST_INFO = 4096


@dataclass(frozen=True)
class Uf2Drive:
    """The drive of a boot loader in ROM: it checks the family, writes, restarts.

    Attributes:
        folder: where it is mounted.
        chip: that it belongs to.
    """

    folder: Path
    chip: Chip

    def __str__(self) -> str:
        return f"boot drive {self.folder}"

    def fits(self, board: KnownBoard) -> bool:
        """Whether it may be the drive of such a board."""
        return board.chip is self.chip

    def lost(self, image: FirmwareImage) -> str:
        """Say what the writing destroys."""
        first, last = image.parts[0][0], sum(map(len, image.parts[-1][1:])) + image.parts[-1][0]
        return f"the firmware at 0x{first:08x} to 0x{last:08x}; flash beyond stays"

    def write(self, image: FirmwareImage, progress: Progress) -> str:
        """Copy the UF2; the drive goes away when all its blocks were written.

        Returns:
            What was verified.

        Raises:
            BootloaderError: the drive stays: blocks are missing.
        """
        _copy(image.contents, self.folder / "FIRMWARE.UF2", progress)
        _wait_until_gone(self.folder / _INFO)
        return "the boot loader took all blocks"


@dataclass(frozen=True)
class StLinkDrive:
    """The drive of the ST-LINK on a Nucleo or Discovery board.

    Attributes:
        folder: where it is mounted.
        board: that its label names.
    """

    folder: Path
    board: KnownBoard

    def __str__(self) -> str:
        return f"ST-LINK drive {self.folder}"

    def fits(self, board: KnownBoard) -> bool:
        """Whether it is the drive of such a board."""
        return board is self.board

    def lost(self, image: FirmwareImage) -> str:
        """Say what the writing destroys."""
        return "all that the flash holds: firmware, models, scripts"

    def write(self, image: FirmwareImage, progress: Progress) -> str:
        """Copy the image; a file FAIL.TXT on the drive says what went wrong.

        Returns:
            What was verified.

        Raises:
            BootloaderError: the ST-LINK refused it.
        """
        _copy(image.contents, self.folder / image.board.image, progress)
        failure = self.folder / _FAILED
        if _appears(failure, self.folder / _ST_LINK_PAGE):
            said = plain_line(failure.read_text("utf-8", "replace")[:_MOST_INFO])
            raise BootloaderError(f"{self}: refused: {said}")
        return "the ST-LINK reports no failure"


def find_drives() -> Iterator[Uf2Drive | StLinkDrive]:
    """Yield the drives of boards that are mounted."""
    labels = {label: b for b in known_boards().values() for label in b.drives}
    ids = {c.uf2_board_id: c for c in chips().values() if c.uf2_board_id}
    for folder in mounted():
        with suppress(OSError):
            if (folder / _INFO).is_file():
                with (folder / _INFO).open(encoding="utf-8", errors="replace") as file:
                    found = _BOARD_ID.search(file.read(_MOST_INFO))
                if found and found[1] in ids:
                    yield Uf2Drive(folder, ids[found[1]])
            elif folder.name in labels and (folder / _ST_LINK_PAGE).is_file():
                yield StLinkDrive(folder, labels[folder.name])


def mounted() -> list[Path]:
    """Return the folders at which removable drives are mounted."""
    if sys.platform == "win32":
        return [p for c in string.ascii_uppercase if (p := Path(f"{c}:/")).exists()]
    user = os.environ.get("USER", "")
    roots = ("/Volumes", "/media", f"/media/{user}", f"/run/media/{user}", "/mnt")
    found: list[Path] = []
    for root in dict.fromkeys(roots):
        with suppress(OSError):
            found += sorted(Path(root).iterdir())
    return found


def _copy(contents: bytes, file: Path, progress: Progress) -> None:
    """Copy piece by piece, each on its way before the next: a bar that says the truth."""
    try:
        with file.open("wb", buffering=0) as out:
            for at in range(0, len(contents), _PIECE):
                out.write(contents[at : at + _PIECE])
                if at + _PIECE < len(contents):
                    os.fsync(out.fileno())
                progress(min(at + _PIECE, len(contents)), len(contents))
            # The last piece may make the drive go away before the file system hears of it.
            with suppress(OSError):
                os.fsync(out.fileno())
    except OSError as error:
        raise BootloaderError(f"{file}: {error.strerror}: was the board unplugged?") from error


def _appears(failure: Path, always: Path) -> bool:
    """Wait for a file: an ST-LINK's drive goes and comes back, with or without it."""
    end, was_gone = time.monotonic() + _ST_LINK_S, False
    while time.monotonic() < end:
        is_back = was_gone and always.exists()
        if failure.exists():
            return True
        if is_back:
            return False
        was_gone = was_gone or not always.exists()
        time.sleep(0.05)
    return False


def _wait_until_gone(file: Path) -> None:
    end = time.monotonic() + _GONE_S
    while file.exists():
        if time.monotonic() > end:
            raise BootloaderError(
                f"{file.parent}: the boot loader still waits after {_GONE_S:g} s: the image "
                "was not whole, or is not one that it takes"
            )
        time.sleep(0.1)
