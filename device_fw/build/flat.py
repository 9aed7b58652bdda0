"""Make the plain bytes of a chip's flash from a firmware's ELF file."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["firmware_digest", "flat_image", "write_flat"]

_ERASED = b"\xff"
_ELF = b"\x7fELF"


def flat_image(elf: Path) -> bytes:
    """Return what is to be in flash, from the vectors on; FF where nothing is.

    What is copied to RAM at the start is where its copy is kept.
    """
    parts = _parts(elf)
    image = b""
    for address, data in parts:
        image = image.ljust(address - parts[0][0], _ERASED) + data
    return image


def firmware_digest(firmware: Path) -> bytes:
    """Return the SHA-256 that a board with this firmware attests.

    Args:
        firmware: its ELF file, or the plain bytes of a board whose flash holds it in one piece.

    Raises:
        OSError: it cannot be read.
    """
    whole = firmware.read_bytes()
    if whole[: len(_ELF)] != _ELF:
        return hashlib.sha256(whole).digest()
    return hashlib.sha256(b"".join(data for _, data in _parts(firmware))).digest()


def _parts(elf: Path) -> list[tuple[int, bytes]]:
    """Return what an ELF file wants in flash: addresses and bytes, in their order."""
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        segments = [s for s in ELFFile(file).iter_segments() if s["p_type"] == "PT_LOAD"]
        return sorted((s["p_paddr"], s.data()) for s in segments if s["p_filesz"] > 0)


def write_flat(elf: Path) -> None:
    """Write `<board>.bin` beside an ELF file, unless it is newer."""
    binary = elf.with_suffix(".bin")
    if not binary.is_file() or binary.stat().st_mtime_ns <= elf.stat().st_mtime_ns:
        binary.write_bytes(flat_image(elf))
