"""Make the plain bytes of a chip's flash from a firmware's ELF file."""

from __future__ import annotations

from pathlib import Path

__all__ = ["flat_image", "write_flat"]

_ERASED = b"\xff"


def flat_image(elf: Path) -> bytes:
    """Return what is to be in flash, from the vectors on; FF where nothing is.

    What is copied to RAM at the start is where its copy is kept.
    """
    from elftools.elf.elffile import ELFFile

    with elf.open("rb") as file:
        segments = [s for s in ELFFile(file).iter_segments() if s["p_type"] == "PT_LOAD"]
        parts = sorted((s["p_paddr"], s.data()) for s in segments if s["p_filesz"] > 0)
    image = b""
    for address, data in parts:
        image = image.ljust(address - parts[0][0], _ERASED) + data
    return image


def write_flat(elf: Path) -> None:
    """Write `<board>.bin` beside an ELF file, unless it is newer."""
    binary = elf.with_suffix(".bin")
    if not binary.is_file() or binary.stat().st_mtime_ns <= elf.stat().st_mtime_ns:
        binary.write_bytes(flat_image(elf))
