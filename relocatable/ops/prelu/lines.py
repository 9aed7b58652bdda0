"""Fit a line for each slope of PRELU to the rescaled values below zero.

LiteRT rounds a product twice on the way to an output of 8 bits, halves away from zero: a staircase
by the value. A line takes each step at the same value; its start depends on the slope's sign, as
the first of the roundings moves all steps away from zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from relocatable.ops._shared.fixed_point import INT32_MAX, INT32_MIN, Ints

BITS = 16  # of an output's fraction
UNIT = 128  # of values
_MOST = 255  # output, counted from the type's least value
_TRIES = (0, 1, -1, 2, -2, 3, -3)
_FAR = np.int64(1) << 40


class Lines(NamedTuple):
    """Outputs (start + (multiplier * 128 * value >> 16)) >> 16, not yet clamped.

    They count from the type's least value. Both fields are int64 [C].
    """

    multiplier: Ints
    start: Ints


def fit_lines(values: Ints, factors: npt.NDArray[np.float64], wanted: Ints) -> Lines | None:
    """Find lines that equal the outputs after clamping.

    Args:
        values: from the least one to zero, less the zero point, int64 [N].
        factors: that outputs move by with a value, about, [C].
        wanted: outputs, clamped to [0, 255], int64 [C, N]; that of zero must not be clamped.

    Returns:
        None if a slope has none.
    """
    natural = factors * 2.0 ** (2 * BITS) / UNIT
    if np.abs(natural).max() > INT32_MAX - max(_TRIES):
        return None
    # Zero's output is part of those of values above zero: it may not need the clamp.
    is_zero = values == 0
    least = np.where((wanted > 0) | is_zero, wanted << BITS, -_FAR)
    most = np.where((wanted < _MOST) | is_zero, (wanted + 1) << BITS, _FAR)
    multiplier, start, room = (np.zeros(len(factors), np.int64) for _ in range(3))
    for change in _TRIES:
        m = np.rint(natural).astype(np.int64) + change
        moved = m[:, None] * (UNIT * values) >> BITS
        low, high = (least - moved).max(axis=1), (most - moved).min(axis=1)
        middle = (low + high) >> 1
        sums = moved + middle[:, None]
        fits = (high - low > room) & (sums.min(axis=1) >= INT32_MIN)
        fits &= sums.max(axis=1) <= INT32_MAX
        multiplier, start = np.where(fits, m, multiplier), np.where(fits, middle, start)
        room = np.where(fits, high - low, room)
    return Lines(multiplier, start) if np.all(room > 0) else None
