"""Bits that flip in a flash file, under a running board too."""

from __future__ import annotations

import mmap
import random
from pathlib import Path

_FLASH_BYTES = 1 << 24


def words(seed: int, size: int) -> bytes:
    """Make bytes that are nowhere else in a flash."""
    return random.Random(seed).randbytes(size)


def flip(flash: Path, content: bytes, at: int = 0) -> None:
    """Flip a bit of a content wherever it is in a flash.

    Args:
        flash: a file.
        content: what to look for.
        at: bytes from its start to the bit.
    """
    size = min(flash.stat().st_size, _FLASH_BYTES)  # the file may hold a board's RAM behind it
    with flash.open("r+b") as file, mmap.mmap(file.fileno(), size) as seen:
        place = seen.find(content)
        assert place >= 0
        while place >= 0:
            seen[place + at] ^= 0x10
            place = seen.find(content, place + 1)
