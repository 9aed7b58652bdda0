"""The logarithm of a sum in fixed point, in the steps of LiteRT's reference."""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.fixed_point import (
    Ints,
    rounding_divide_by_pot,
    saturating_doubling_high_mul,
)

_MOST = (1 << 31) - 1
_LOG_2, _SQRT_HALF, _FOURTH_ROOT_OF_HALF = 1488522236, 1518500250, 1805811301
_QUARTER = 1 << 23  # in 6 integer bits


def log_of_sums(sums: Ints) -> Ints:
    """Compute logarithms: of 12 integer bits, 1 or more, in 5 integer bits."""
    flat = [_log(int(v)) for v in sums.reshape(-1)]
    return np.array(flat, np.int64).reshape(sums.shape)


def _log(x: int) -> int:
    # x is 2^n * rest, by either of two cuts, of which the smaller rest counts.
    zeros = _leading_zeros(x)
    first = _shifted(_times(x << (zeros - 1), _SQRT_HALF), 1)
    shift = _leading_zeros(_times(x, _SQRT_HALF)) - 1
    rest = min(first, _shifted(x, shift))
    power = max(((12 - zeros) << 25) + _QUARTER, ((12 - shift) << 25) - _QUARTER)
    # The logarithm of the rest is a quotient of polynomials in q, which is around 0.
    p = (rest + _FOURTH_ROOT_OF_HALF + 1) >> 1
    q = 2 * (rest - _FOURTH_ROOT_OF_HALF)
    q2 = _times(q, q)
    over = _times(q, rest) + _times(_times(q, q2), 117049297)
    under = _times(p, 1057819769 + q + _times(127690142, q2)) + _times(638450708, q)
    part = _times(int(rounding_divide_by_pot(np.int64(over), 6)), _reciprocal(under))  # type: ignore[arg-type]
    return 2 * (_times(power, _LOG_2) + part)


def _reciprocal(x: int) -> int:
    """Compute 1 / (1 + x) for x in [0, 1): Newton's steps, 31 fraction bits."""
    half = (x + _MOST + 1) >> 1
    y = 1515870810 + _times(half, -1010580540)  # 48/17 - 32/17 * half, in 2 integer bits
    for _ in range(3):
        y += _shifted(_times(y, (1 << 29) - _times(half, y)), 2)
    return _shifted(y, 1)


def _times(a: int, b: int) -> int:
    return int(saturating_doubling_high_mul(np.int64(a), np.int64(b)))  # type: ignore[arg-type]


def _shifted(x: int, n: int) -> int:
    return max(-_MOST - 1, min(_MOST, x << n))


def _leading_zeros(x: int) -> int:
    return 32 - x.bit_length()
