"""Fit a line whose square is a rescaled squared difference.

LiteRT squares a whole difference and rounds twice on the way to an output of 8 bits: one staircase
by the difference's size, of at most 255 steps. A difference times a suitable factor, of 32 bits,
has a square whose upper word takes each step at the same difference.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from relocatable.ops._shared.fixed_point import INT32_MAX, INT32_MIN, Ints

_BITS = 16  # of an output's fraction in the upper word
_LEAST = -128


class Root(NamedTuple):
    """A line D = floor(coarse * slope / 2^8) + table[fine].

    The upper word of D * D, plus `start`, counts outputs in 2^-16, from the type's least value on.
    """

    table: Ints
    slope: int
    start: int


def fit_root(
    steps: Ints, coarse: Ints, wanted: Ints, factor: float, right: int, zero: int
) -> Root | None:
    """Find a line for the differences `steps - 64 * coarse`.

    Args:
        steps: of the finer operand, by its bits as unsigned, int64 [256].
        coarse: all values of the other operand, int64 [256].
        wanted: clamped outputs of int8 for each step and value, int64 [256, 256].
        factor: of the squares to the output's scale, about.
        right: shift behind LiteRT's first rounding, which adds half of a last bit.
        zero: the output's zero point.

    Returns:
        None if none gives all outputs, or numbers do not fit in 32 bits.
    """
    differences = np.abs(steps[:, None] - 64 * coarse[None, :])
    start = ((zero - _LEAST) << _BITS) + (1 << (_BITS - 1)) + (1 << (_BITS - 1) >> right)
    scale = _scale(differences, wanted, start, factor)
    slope = -int(np.rint(scale * 2.0**14))
    table = np.rint(scale * steps).astype(np.int64)
    lines = ((slope * coarse) >> 8)[None, :] + table[:, None]
    if slope < INT32_MIN or np.abs(lines).max() > INT32_MAX:
        return None
    words = (lines * lines >> 32) + start
    found = np.clip((words >> _BITS) + _LEAST, _LEAST, 127)
    fits = words.max() <= INT32_MAX and np.array_equal(found, wanted)
    return Root(table, slope, start) if fits else None


def _scale(differences: Ints, wanted: Ints, start: int, factor: float) -> float:
    """Find what differences are multiplied by: in the middle of what all steps allow."""
    sizes, places = np.unique(differences, return_index=True)
    outputs = wanted.reshape(-1)[places]
    at = np.flatnonzero(np.diff(outputs))
    # The square must reach this at each step; outputs may skip some.
    first = np.sqrt((((outputs[at + 1] - _LEAST) << _BITS) - start) * 2.0**32)
    last = np.sqrt((((outputs[at] + 1 - _LEAST) << _BITS) - start) * 2.0**32)
    natural = float(np.sqrt(factor)) * 2.0**24
    least = np.max(first / sizes[at + 1], initial=0.999 * natural)
    most = np.min(last / np.maximum(sizes[at], 1), initial=1.001 * natural)
    return float(least + most) / 2
