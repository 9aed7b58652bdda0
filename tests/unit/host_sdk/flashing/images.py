"""Small images of boards, and folders that play drives."""

from __future__ import annotations

import struct
import threading
import time
from pathlib import Path

from device_fw.build.uf2 import uf2_blocks
from host_sdk.flashing.known_boards import KnownBoard, known_board

PICO, F446 = known_board("pico"), known_board("nucleo_f446re")


def uf2(board: KnownBoard = PICO, family: int = 0, size: int = 5000) -> bytes:
    image = (b"code" * size)[:size] + board.identity.encode() + b"\0"
    return uf2_blocks(image, board.chip.flash, family or board.chip.uf2_family)


def stm32(board: KnownBoard = F446, stack: int = 0x20020000, start: int = 0x08000011) -> bytes:
    """Make an image that leaves sectors 1 and 2 alone, where the log lies."""
    low = struct.pack("<2I", stack, start) + board.identity.encode() + b"\0"
    return low.ljust(0x4000, b"\xff") + b"\xff" * 0x8000 + b"high" * 1000 + b"end"


def written(folder: Path, name: str, contents: bytes) -> Path:
    path = folder / name
    path.write_bytes(contents)
    return path


class BootDrive:
    """A folder that empties once a whole UF2 is in it, as a boot ROM's drive."""

    def __init__(self, folder: Path, board_id: str = "RPI-RP2", takes: bool = True) -> None:
        self.folder = folder
        self.got = b""
        folder.mkdir(parents=True)
        info = f"UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: {board_id}\r\n"
        (folder / "INFO_UF2.TXT").write_text(info)
        if takes:
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        file = self.folder / "FIRMWARE.UF2"
        while not self._is_whole():
            time.sleep(0.01)
            if file.exists():
                self.got = file.read_bytes()
        (self.folder / "INFO_UF2.TXT").unlink()

    def _is_whole(self) -> bool:
        blocks = struct.unpack_from("<I", self.got, 24)[0] if len(self.got) >= 512 else 0
        return blocks > 0 and len(self.got) == 512 * blocks
