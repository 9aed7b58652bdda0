"""On which known boards a model fits, told before any is plugged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import relocatable
from host_sdk.store.board_space import Space, board_spaces

__all__ = ["Fit", "Need", "fits_of", "fits_of_needs"]


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
        blob: its size is that of what is uploaded, beside weights that it needs.
    """
    size_bytes = len(blob.pack())
    needs = [
        Need(
            *((v.family, v.level, v.features), v.arena_bytes, size_bytes, v.stack_bytes),
            object_bytes=v.need.size_bytes if v.need else 0,
        )
        for v in blob.variants
    ]
    return fits_of_needs(needs)


@dataclass(frozen=True)
class Need:
    """What a program needs of a board.

    Attributes:
        cpu: family, level and features, as a variant of a blob states them.
        arena_bytes: of RAM.
        size_bytes: of the blob.
        stack_bytes: of a step's stack.
        object_bytes: of weights that are an object of their own; 0: the blob holds them.
    """

    cpu: tuple[int, int, int]
    arena_bytes: int
    size_bytes: int
    stack_bytes: int = 0
    object_bytes: int = 0


def fits_of_needs(needs: Sequence[Need]) -> list[Fit]:
    """Return how programs fit on each board whose CPU runs one.

    Args:
        needs: the first that a CPU runs is taken.
    """
    fits = []
    for space in board_spaces():
        need = next((need for need in needs if _runs(space.cpu, need.cpu)), None)
        if need is not None:
            fits.append(_fit(space, need))
    return fits


def _runs(cpu: str, wanted: tuple[int, int, int]) -> bool:
    target = relocatable.TARGETS[cpu]
    family, level, features = wanted
    return (
        family == target.family.number
        and level <= target.level
        and features & ~target.feature_bits == 0
    )


def _fit(space: Space, need: Need) -> Fit:
    stack = space.stack_bytes
    flash_bytes = space.flash_of(need.size_bytes) + space.flash_of(need.object_bytes)
    return Fit(
        board=space.name,
        title=space.title,
        ram_left=space.arena_bytes - need.arena_bytes,
        flash_left=space.object_bytes - flash_bytes,
        stack_left=None if stack is None else stack - need.stack_bytes,
    )


def _short(n: int) -> str:
    return f"{n / (1 << 20):,.1f} MB" if n >= 1 << 20 else f"{n / 1024:,.0f} KB"
