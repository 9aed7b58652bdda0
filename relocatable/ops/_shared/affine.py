"""Fit one multiply-add-shift to what LiteRT's slower scaling of a layer does.

LiteRT turns a sum into an 8-bit output by two roundings, or by a double multiplication. Both are
monotonic staircases of at most 255 steps. An affine function (sum * multiplier + round) >> shift
that takes each of these steps between the same two sums equals the staircase for every sum that can
occur. (Double rounding bends at a sum of 0, since halves go away from zero: it mostly has such a
function if the clamp of a RELU hides one side, and seldom otherwise.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from relocatable.ops._shared.fixed_point import INT32_MAX, INT32_MIN, Ints

# AccumulatorBounds (one per channel and step, [C, N]) to unclamped outputs.
Staircase = Callable[[Ints], Ints]

_VALUES = 1 << 20  # that are looked at together
_TRIES = (0, 1, -1, 2, -2, 3, -3)


@dataclass(frozen=True, eq=False)
class Affine:
    """((sum * unit + offset) * multiplier + round) >> shift.

    Attributes:
        multiplier: int64 [C], in [0, 2^31).
        round: int64 [C].
        shift: of all channels, in [1, 62].
        offset: int64 [C]; 0 if the unit is 1.
    """

    multiplier: Ints
    round: Ints
    shift: int
    offset: Ints


def fit_affine(
    staircase: Staircase,
    factor: np.ndarray[tuple[int], np.dtype[np.float64]],
    zero: int,
    sums: tuple[Ints, Ints],
    outputs: tuple[int, int],
    unit: int = 1,
) -> Affine | None:
    """Find an affine function that equals a staircase after clamping.

    Args:
        staircase: the reference: monotonic, about `sum * factor + zero`.
        factor: per channel, [C].
        zero: the output's zero point.
        sums: smallest and largest sum of each channel, int64 [C].
        outputs: smallest and largest output after clamping.
        unit: the factor of the kernel's sums, a power of two; unless it is 1, `round` is
            made a multiple of 2^32 by a suitable offset.

    Returns:
        None if there is no affine function within the number range of the kernels.
    """
    lowest, highest = sums
    largest = float(np.max(factor, initial=0.0))
    if np.any(lowest < INT32_MIN) or np.any(highest > INT32_MAX):
        return None
    reach = np.maximum(np.abs(lowest), np.abs(highest)).astype(np.float64)
    if largest <= 0.0 or np.any(reach * factor > 2.0**30):
        return None
    # The largest multiplier has 31 bits.
    shift = min(53, 30 - int(np.floor(np.log2(largest))) + unit.bit_length() - 1)
    steps = np.arange(outputs[0] + 1, outputs[1] + 1, dtype=np.int64)[None, :]
    if shift < (1 if unit == 1 else 33) or steps.size == 0:
        return None
    # In parts, for the memory that they take.
    count = max(1, _VALUES // len(factor))
    first = np.concatenate(
        [
            _first_sums(staircase, factor, zero, sums, steps[:, at : at + count])
            for at in range(0, steps.size, count)
        ],
        axis=1,
    )
    count, found = _VALUES // 256, []
    for part in (slice(at, at + count) for at in range(0, len(factor), count)):
        ends = (lowest[part], highest[part])
        fit = _fit(first[part], steps, factor[part] / unit, shift, ends, unit)
        if fit is None:
            return None
        found.append(fit)
    multiplier, rounding, offset = (
        np.concatenate([getattr(fit, name) for fit in found])
        for name in ("multiplier", "round", "offset")
    )
    return Affine(multiplier, rounding, shift, offset)


def _first_sums(
    staircase: Staircase,
    factor: np.ndarray[tuple[int], np.dtype[np.float64]],
    zero: int,
    sums: tuple[Ints, Ints],
    steps: Ints,
) -> Ints:
    """Find the first sum whose output reaches `step`, [C, N]; past the last if none."""
    lowest, highest = sums[0][:, None], sums[1][:, None]
    near = (steps - 0.5 - zero) / np.maximum(factor, 1e-300)[:, None]
    near = np.clip(near, lowest.astype(np.float64), highest.astype(np.float64)).astype(np.int64)
    low = np.maximum(near - 4, lowest)  # the answer is in [low, high]
    high = np.minimum(near + 4, highest + 1)
    low = np.where(staircase(low) >= steps, lowest, low)
    last = np.minimum(high, highest)
    high = np.where(staircase(last) >= steps, last, highest + 1)
    while np.any(low < high):
        middle = (low + high) >> 1  # never behind the last sum
        enough = staircase(np.minimum(middle, highest)) >= steps
        going = low < high
        high = np.where(going & enough, middle, high)
        low = np.where(going & ~enough, middle + 1, low)
    return low


def _fit(
    first: Ints,
    steps: Ints,
    factor: np.ndarray[tuple[int], np.dtype[np.float64]],
    shift: int,
    sums: tuple[Ints, Ints],
    unit: int,
) -> Affine | None:
    lowest, highest = sums
    base = np.rint(factor * 2.0**shift).astype(np.int64)
    multiplier, rounding, offset = (np.zeros_like(base) for _ in range(3))
    missing = np.ones(base.shape, np.bool_)
    far = np.int64(1) << 62
    for change in _TRIES:
        m = np.clip(base + change, 0, INT32_MAX)
        slope = m[:, None] * unit
        want = steps << shift
        reached, before = first <= highest[:, None], first > lowest[:, None]
        least = np.where(reached, want - first * slope, -far).max(axis=1)
        most = np.where(before, want - (first - 1) * slope - 1, far).min(axis=1)
        middle = np.where(
            most == far, least, np.where(least == -far, most, least + ((most - least) >> 1))
        )
        for add, whole in [(0 * m, middle)] if unit == 1 else _splits(middle, m):
            reached_by = add * m + whole
            found = missing & (least <= reached_by) & (reached_by <= most)
            multiplier, rounding = np.where(found, m, multiplier), np.where(found, whole, rounding)
            offset = np.where(found, add, offset)
            missing &= ~found
    if np.any(missing):
        return None
    return Affine(multiplier, rounding, shift, offset)


def _splits(value: Ints, m: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield ways to write about `value` as a multiple of m and one of 2^32."""
    for words in range(-8, 9):
        whole = ((value >> 32) + words) << 32
        yield np.rint((value - whole) / np.maximum(m, 1)).astype(np.int64), whole


@dataclass(frozen=True)
class Plane:
    """(a * a_factor + b * b_factor + round) >> shift."""

    a_factor: int
    b_factor: int
    round: int
    shift: int


def fit_plane(
    values: tuple[Ints, Ints],
    factors: tuple[float, float],
    wanted: Ints,
    outputs: tuple[int, int],
) -> Plane | None:
    """Find a plane that equals a given function of two 8-bit values after clamping.

    Args:
        values: all values of the operands, int64 [N] each.
        factors: what a step of each operand moves the output by.
        wanted: the function, unclamped, int64 [N, N]; about the sum of the products, plus a
            constant.
        outputs: smallest and largest output after clamping.

    Returns:
        None if there is none near the factors.
    """
    # The sum just fits in 32 bits; its terms may wrap around.
    shift = 31 - int(np.abs(wanted).max()).bit_length()
    if shift < 1 or max(abs(f) for f in factors) * 2.0**shift > INT32_MAX:
        return None
    step = wanted.clip(*outputs)
    for a_offset in _TRIES:
        for b_offset in _TRIES:
            a, b = (
                int(np.rint(f * 2.0**shift)) + o
                for f, o in zip(factors, (a_offset, b_offset), strict=True)
            )
            sums = (values[0] * a)[:, None] + (values[1] * b)[None, :]
            least = np.where(step > outputs[0], (step << shift) - sums, -(1 << 40)).max()
            most = np.where(step < outputs[1], ((step + 1) << shift) - 1 - sums, 1 << 40).min()
            middle = int(least + most) >> 1
            if least <= most and int(np.abs(sums + middle).max()) <= INT32_MAX:
                return Plane(a, b, middle, shift)
    return None
