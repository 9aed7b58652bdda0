"""Lines whose squares are rescaled squared differences."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)
from relocatable.ops.squared_difference.root import fit_root

_VALUES = np.arange(-128, 128, dtype=np.int64)


def _wanted(steps: Ints, factor: float, zero: int) -> tuple[Ints, int]:
    multiplier, shift = quantize_multiplier(factor)
    squares = (steps[:, None] - 64 * _VALUES[None, :]) ** 2
    scaled = multiply_by_quantized_multiplier(squares, multiplier, shift) + zero
    return np.clip(scaled, -128, 127), -shift


@pytest.mark.parametrize("factor", [1.02e-5, 3.3e-6, 1e-6, 4.9e-7])
@pytest.mark.parametrize("zero", [-128, -3, 127])
def test_usual_scales_have_a_line_that_gives_every_output(factor: float, zero: int) -> None:
    steps = np.rint(_VALUES * 48.29).astype(np.int64) - 500
    wanted, right = _wanted(steps, factor, zero)
    root = fit_root(steps, _VALUES, wanted, factor, right, zero)
    assert root is not None
    lines = root.table[:, None] + (root.slope * _VALUES[None, :] >> 8)
    words = (lines * lines >> 32) + root.start
    assert np.array_equal(np.clip((words >> 16) - 128, -128, 127), wanted)
    assert max(np.abs(lines).max(), words.max(), -root.slope) < 1 << 31


def test_large_outputs_have_none() -> None:
    steps = np.rint(_VALUES * 48.29).astype(np.int64)
    wanted, right = _wanted(steps, 1e-3, 0)
    assert fit_root(steps, _VALUES, wanted, 1e-3, right, 0) is None
