"""Quotients of bytes as products with a number for each divisor (xn_quotient.h)."""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.fixed_point import INT32_MAX, INT32_MIN, Ints

# XN_QUOTIENT_LIFT, XN_QUOTIENT_BITS, XN_QUOTIENT_HALF, and the last bits of a product.
_LIFT, _BITS, _HALF, _LAST = 7, 13, (1 << 12) + 2, 16


def fit_slopes(values: Ints, wanted: Ints, zero: int, outputs: tuple[int, int]) -> Ints | None:
    """Find the number of each divisor whose products are given quotients.

    Args:
        values: of the first operand, less its zero point, int64 [A], in [-255, 255].
        wanted: quotients with the zero point, clamped, int64 [B, A]; monotonic in the values.
        zero: the output's zero point.
        outputs: smallest and largest output.

    Returns:
        int64 [B], each of 32 bits; None if a divisor has none.
    """
    half = (zero << _BITS) + _HALF
    least, most = ((((wanted + step) << _BITS) - half << _LAST) - step for step in (0, 1))
    above, below = wanted > outputs[0], wanted < outputs[1]
    # The product with a value below zero is between the same, turned around.
    is_down = values < 0
    least, most = np.where(is_down, -most, least), np.where(is_down, -least, most)
    above, below = np.where(is_down, below, above), np.where(is_down, above, below)
    size = np.where(values == 0, 1, np.abs(values)) << _LIFT
    low = np.where(above & (values != 0), -(-least // size), INT32_MIN).max(axis=1)
    high = np.where(below & (values != 0), most // size, INT32_MAX).min(axis=1)
    return np.asarray((low + high) >> 1, np.int64) if np.all(low <= high) else None
