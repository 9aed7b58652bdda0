"""Lines of slopes that equal values rescaled by two roundings."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from relocatable.ops.prelu.lines import BITS, UNIT, Lines, fit_lines

_VALUES = np.arange(-200, 1, dtype=np.int64)
_SLOPES = np.arange(-128, 128, dtype=np.int64)


def _fit(factor: float, zero: int) -> tuple[Lines | None, Ints]:
    multiplier, shift = quantize_multiplier(factor)
    products = _SLOPES[:, None] * _VALUES[None, :]
    scaled = multiply_by_quantized_multiplier(products, multiplier, shift)
    wanted = np.clip(scaled + zero, 0, 255)
    factors = np.asarray(_SLOPES * (multiplier / 2.0**31 * 2.0**shift), np.float64)
    return fit_lines(_VALUES, factors, wanted), wanted


# Powers of two have results just between two integers.
@pytest.mark.parametrize("factor", [0.3, 2**-3, 0.0171, 2**-6, 0.00871, 0.0013, 2**-12, 1e-9])
@pytest.mark.parametrize("zero", [0, 130, 255])
def test_slopes_of_both_signs_have_lines_that_give_every_output(factor: float, zero: int) -> None:
    lines, wanted = _fit(factor, zero)
    assert lines is not None
    sums = lines.start[:, None] + (lines.multiplier[:, None] * (UNIT * _VALUES) >> BITS)
    assert np.abs(sums).max() < 1 << 31
    assert np.array_equal(np.clip(sums >> BITS, 0, 255), wanted)
    assert np.all(lines.start >> BITS == zero)


def test_steep_slopes_have_none() -> None:
    assert _fit(0.6, 100)[0] is None
