"""Bits that flip in a flash file, under a running board too."""

from __future__ import annotations

import mmap
import random
from pathlib import Path


def words(seed: int, size: int) -> bytes:
    """Make bytes that are nowhere else in a flash."""
    return random.Random(seed).randbytes(size)


def flip(flash: Path, content: bytes, at: int = 0) -> None:
    """Flip a bit of a content wherever it is in the flash, `at` bytes behind its start."""
    with flash.open("r+b") as file, mmap.mmap(file.fileno(), 0) as seen:
        place = seen.find(content)
        assert place >= 0
        while place >= 0:
            seen[place + at] ^= 0x10
            place = seen.find(content, place + 1)
