"""Fractions that round as doubles do."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from relocatable.ops._shared.fraction import first_in_range, fractions_of


def test_first_in_range_is_the_least_of_all() -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        modulus = int(rng.integers(2, 200))
        factor, low = (int(v) for v in rng.integers(0, modulus, 2))
        high = int(rng.integers(low, modulus))
        found = (x for x in range(modulus) if low <= factor * x % modulus <= high)
        assert first_in_range(factor, modulus, low, high) == next(found, None)


def test_rounds_near_halves_as_doubles() -> None:
    rng = np.random.default_rng(2)
    for _ in range(6):
        factor = float(np.exp(rng.uniform(-12, -1)))
        fractions = fractions_of([factor], np.array([(1 << 31) - 1]))
        assert fractions is not None
        near = ((np.arange(0, 32767, 97) + 0.5) / factor).astype(np.int64)
        for value in near[near < (1 << 31) - 1].tolist():
            for x in (value, value + 1):
                bits = 64 + fractions.shift
                rounded = (x * fractions.numerators[0] + (1 << (bits - 1))) >> bits
                product = x * factor
                assert rounded == int(product) + (product - int(product) >= 0.5)


def test_gives_up_where_a_double_is_the_half() -> None:
    # Three times this is below a half, but the double next to it is the half.
    close = 0.5 / 3
    assert Fraction(close) * 3 < Fraction(1, 2)
    assert close * 3 == 0.5
    reach = np.array([(1 << 31) - 1] * 2)
    assert fractions_of([close], reach) is None
    assert fractions_of([0.25, 0.125], reach) is not None
    for factors in ([0.25, 2.0], [0.25, 2.0**-60 / 3], [0.25, 0.0]):
        assert fractions_of(factors, reach) is None
