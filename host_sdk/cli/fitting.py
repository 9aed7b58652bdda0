"""On which known boards a model fits, told before any is plugged in."""

from __future__ import annotations

from dataclasses import dataclass

import relocatable
from host_sdk.store.board_space import Space, board_spaces
from relocatable.blob.blob import Variant

__all__ = ["Fit", "fits_of"]


@dataclass(frozen=True)
class Fit:
    """How a program fits on a board.

    Attributes:
        board: the board's name.
        title: for people.
        ram_left: bytes of the RAM for models that it leaves; negative: so many are missing.
        flash_left: bytes of an empty store that it leaves; negative: so many are missing.
        stack_left: bytes of a step's stack; None: not known beforehand.
    """

    board: str
    title: str
    ram_left: int
    flash_left: int
    stack_left: int | None

    @property
    def ok(self) -> bool:
        """Whether nothing is missing."""
        return min(self.ram_left, self.flash_left, self.stack_left or 0) >= 0

    def __str__(self) -> str:
        left = [("RAM", self.ram_left), ("store", self.flash_left), ("stack", self.stack_left or 0)]
        if not self.ok:
            missing = (f"{what} lacks {-n:,} bytes" for what, n in left if n < 0)
            return f"does not fit: {', '.join(missing)}"
        return ", ".join(f"{_short(n)} {what} left" for what, n in left[:2])


def fits_of(blob: relocatable.Blob) -> list[Fit]:
    """Return how a blob fits on each board whose CPU runs one of its programs.

    Args:
        blob: its size is that of what is uploaded.
    """
    size_bytes = len(blob.pack())
    fits = []
    for space in board_spaces():
        variant = next((v for v in blob.variants if _runs(space.cpu, v)), None)
        if variant is not None:
            fits.append(_fit(space, variant, size_bytes))
    return fits


def _runs(cpu: str, variant: Variant) -> bool:
    target = relocatable.TARGETS[cpu]
    features = sum(feature.bit for feature in target.features)
    return (
        variant.family == target.family.number
        and variant.level <= target.level
        and variant.features & ~features == 0
    )


def _fit(space: Space, variant: Variant, size_bytes: int) -> Fit:
    stack = space.stack_bytes
    return Fit(
        board=space.name,
        title=space.title,
        ram_left=space.arena_bytes - variant.arena_bytes,
        flash_left=space.object_bytes - space.flash_of(size_bytes),
        stack_left=None if stack is None else stack - variant.stack_bytes,
    )


def _short(n: int) -> str:
    return f"{n / (1 << 20):,.1f} MB" if n >= 1 << 20 else f"{n / 1024:,.0f} KB"
