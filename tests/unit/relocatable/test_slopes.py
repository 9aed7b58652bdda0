"""Quotients of bytes as products, found by division or not at all."""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.fixed_point import Ints
from relocatable.ops.div.slopes import fit_slopes

_VALUES = np.arange(-255, 256, dtype=np.int64)


def products(slopes: Ints, zero: int) -> Ints:
    """Compute what xn_quotient.h describes, not yet clamped."""
    whole = slopes[:, None] * (_VALUES << 7)[None, :] >> 16
    return whole + ((1 + 2 * zero) << 12) + 2 >> 13


def test_every_quotient_that_rounds_halves_away_from_zero() -> None:
    divisors = np.array([1, 2, 3, 7, 64, 127, 255, -1, -2, -100, -255])[:, None]
    for factor in (127.5, 200, 1e4, 2.0**23):
        for zero in (-128, 0, 127):
            real = _VALUES[None, :] * factor / divisors
            rounded = np.sign(real) * np.floor(np.abs(real) + 0.5)
            wanted = np.clip(rounded + zero, -128, 127).astype(np.int64)
            slopes = fit_slopes(_VALUES, wanted, zero, (-128, 127))
            assert slopes is not None
            assert np.all(slopes == slopes.astype(np.int32))
            assert np.array_equal(products(slopes, zero).clip(-128, 127), wanted)


def test_what_is_no_line_has_no_slope() -> None:
    line = np.clip(_VALUES, -128, 127)[None, :]
    bent = np.where(_VALUES > 0, line, line // 2)
    assert fit_slopes(_VALUES, line, 0, (-128, 127)) is not None
    assert fit_slopes(_VALUES, bent, 0, (-128, 127)) is None
