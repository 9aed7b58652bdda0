"""Affine functions equal the staircases that they stand for, at every sum."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.ops._shared.affine import Affine, fit_affine
from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
)


def apply(affine: Affine, sums: Ints, clamp: tuple[int, int], unit: int = 1) -> Ints:
    products = (sums * unit + affine.offset[:, None]) * affine.multiplier[:, None]
    outputs: Ints = np.clip((products + affine.round[:, None]) >> affine.shift, *clamp)
    return outputs


@pytest.mark.parametrize("unit", [1, 256])
@pytest.mark.parametrize("seed", range(20))
def test_equals_two_roundings(seed: int, unit: int) -> None:
    rng = np.random.default_rng(seed)
    factors = 2.0 ** rng.uniform(-12, -4, 9)
    pairs = [quantize_multiplier(f) for f in factors]
    m, s = (np.array(v, np.int64)[:, None] for v in zip(*pairs, strict=True))
    zero, reach = int(rng.integers(-128, 128)), int(rng.integers(1, 200_000))
    clamp = (zero, 127)  # as under a RELU: the two roundings bend where the sum changes its sign

    def staircase(x: Ints) -> Ints:
        return multiply_by_quantized_multiplier(x, m, s) + zero

    sums = np.full(9, reach, np.int64)
    affine = fit_affine(staircase, factors, zero, (-sums, sums), clamp, unit)
    assert affine is not None or clamp[0] == clamp[1]
    if affine is None:
        return
    assert unit == 1 or not np.any(affine.round % (1 << 32))
    every = np.arange(-reach, reach + 1, dtype=np.int64)[None, :]
    assert np.array_equal(apply(affine, every, clamp, unit), np.clip(staircase(every), *clamp))


def test_halves_go_away_from_zero() -> None:
    factor = np.array([0.5, 0.25, 0.125])

    def staircase(x: Ints) -> Ints:
        y = x * factor[:, None]
        rounded: Ints = (np.sign(y) * np.floor(np.abs(y) + 0.5)).astype(np.int64)
        return rounded

    ends = np.full(3, 900, np.int64)
    affine = fit_affine(staircase, factor, 0, (-ends, ends), (-128, 127))
    assert affine is not None
    every = np.arange(-900, 901, dtype=np.int64)[None, :]
    assert np.array_equal(apply(affine, every, (-128, 127)), np.clip(staircase(every), -128, 127))


def test_a_staircase_that_is_not_affine_is_refused() -> None:
    def staircase(x: Ints) -> Ints:
        return np.where(x < 50, x >> 3, x >> 1)

    ends = np.array([200], np.int64)
    assert fit_affine(staircase, np.array([0.125]), 0, (-ends, ends), (-128, 127)) is None


@pytest.mark.parametrize(("factor", "reach"), [(1.0, 1 << 31), (0.0, 10), (2.0**20, 1 << 20)])
def test_numbers_beyond_the_kernels_are_refused(factor: float, reach: int) -> None:
    ends = np.array([reach], np.int64)
    affine = fit_affine(lambda x: x, np.array([factor]), 0, (-ends, ends), (-128, 127))
    assert affine is None
