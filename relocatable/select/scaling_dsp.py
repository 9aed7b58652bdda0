"""Weights and scaling of the DSP extension's kernels (xn_dsp.h)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from relocatable.fixed_point import Ints, zero_of
from relocatable.graph import Tensor
from relocatable.line_scale import Staircase, find_line
from relocatable.select.scaling import Sums, bounds_of, multipliers_of, once, shifts_fit, twice
from relocatable.select.site import CValue

_UNIT = 8  # bits
_MOST_PARTS = 8
_WORD = 1 << 32


@dataclass(frozen=True, eq=False)
class DspLayer:
    """Filters and scaling as the kernels read them.

    Attributes:
        words: uint32 [C, Q, 1], four weights each; [C, Q, 2] where they are 16 bits wide.
        part: after so many words of a filter, the sum is put by, since it might overflow.
        scaling: constants `xn_dsp_scaling`.
        tables: of `xn_dsp_scales`, by their field's name: int32 [C], or [1] for all.
    """

    words: npt.NDArray[np.uint32]
    part: int
    scaling: Mapping[str, CValue]
    tables: dict[str, npt.NDArray[np.int32]]

    @property
    def declaration(self) -> str:
        """C text that declares `scales`, the kernel's argument."""
        return "const xn_dsp_scales scales = {W_start, W_multiplier, W_last};\n"


@dataclass(frozen=True, eq=False)
class _Packed:
    """Filters, and what sums start from so that they become the true ones times 2^unit."""

    words: npt.NDArray[np.uint32]
    part: int
    unit: int
    start: Ints


def dsp_layer(
    rows: Ints,
    factors: list[float],
    sums: Sums,
    output: Tensor,
    clamp: tuple[int, int],
    rounding: Literal["once", "twice"],
) -> DspLayer | None:
    """A layer for the kernels.

    Args:
        rows: weights of each output channel in the kernel's order, int64 [C, K].
        factors: scale of the sums over the output's: one for each channel, or one for all.
        sums: of the layer.
        output: for its zero point.
        clamp: of the output.
        rounding: "twice" by LiteRT's fixed-point multipliers, "once" by a double.

    Returns:
        None where it rounds once in a way that no line does.
    """
    zero = zero_of(output)
    rows, sums, factors = _without_constants(rows, factors, sums, zero, clamp, rounding)
    multipliers, shifts = multipliers_of(factors)
    staircase, exact = once(np.array(factors), zero), np.array(factors)
    if rounding == "twice":
        staircase, exact = twice(multipliers, shifts, zero), multipliers / 2.0**31 * 2.0**shifts
    packed = _pack(rows, sums)
    if packed is not None and (rounding == "once" or shifts_fit(shifts, sums)):
        line = _line(packed, staircase, exact, sums, zero, clamp)
        if line is not None:
            return line
    if rounding == "once":
        return None
    packed = packed or _wide(rows, sums)
    if sums.reach.max() < 1 << 30 and np.all((shifts >= -30) & (shifts <= -1)):
        return _layer("XN_SCALE_HIGH", packed, multipliers, -shifts - 1, 0, zero, clamp)
    return _layer("XN_SCALE_TWICE", packed, multipliers, shifts, 0, zero, clamp)


def _without_constants(
    rows: Ints,
    factors: list[float],
    sums: Sums,
    zero: int,
    clamp: tuple[int, int],
    rounding: Literal["once", "twice"],
) -> tuple[Ints, Sums, list[float]]:
    """Gives channels that have but one output plain sums, and factors of their own.

    Such channels are left over where training has killed one; their biases may be huge.
    """
    real = np.array(factors)
    multipliers, shifts = multipliers_of(factors)
    if rounding == "twice" and not shifts_fit(shifts, sums):
        return rows, sums, factors
    staircase = once(real, zero) if rounding == "once" else twice(multipliers, shifts, zero)
    least, most = (
        np.clip(staircase(x[:, None])[:, 0], *clamp) for x in (sums.lowest, sums.highest)
    )
    varies = least < most
    if varies.all():
        return rows, sums, factors
    real = np.broadcast_to(real, varies.shape)
    # A factor like the others', but a power of two: then nothing is rounded.
    power = int(np.clip(-np.log2(real.max(initial=2.0**-14, where=varies)), 1, 14))
    plain = (least - zero) << power
    bias, lowest, highest = (
        np.where(varies, x, plain) for x in (sums.bias, sums.lowest, sums.highest)
    )
    factors = list(np.where(varies, real, 2.0**-power))
    tamed = Sums(bias, lowest, highest, sums.raw)
    return np.where(varies[:, None], rows, 0), tamed, factors


def _pack(rows: Ints, sums: Sums) -> _Packed | None:
    """Four weights to a word; None where they do not allow it."""
    quads = _quads(rows)
    pairs = 256 * quads[..., 0] + quads[..., 1]
    if pairs.min() < -(1 << 15):
        return None
    extra = 127 * quads[..., 1].sum(axis=2)
    words = _words(pairs)[:, :, None]
    reach = int(sums.reach.max())
    if reach < 1 << (31 - _UNIT):
        return _Packed(words, words.shape[1], _UNIT, (sums.bias << _UNIT) - extra.sum(axis=1))
    unit = 30 - reach.bit_length()
    most = (128 << _UNIT) * np.abs(quads).sum(axis=(2, 3)) + np.abs(extra)
    for parts in range(2, _MOST_PARTS + 1):
        part = -(-words.shape[1] // parts)
        at = np.arange(0, words.shape[1], part)
        if unit > 0 and np.add.reduceat(most, at, axis=1).max() < 1 << 31:
            lacking = np.add.reduceat(extra, at, axis=1) >> (_UNIT - unit)
            return _Packed(words, part, unit, (sums.bias << unit) - lacking.sum(axis=1))
    return None


def _wide(rows: Ints, sums: Sums) -> _Packed:
    words = _words(_quads(rows).swapaxes(2, 3))
    return _Packed(words, words.shape[1], 0, sums.bias)


def _line(
    packed: _Packed,
    staircase: Staircase,
    factor: npt.NDArray[np.float64],
    sums: Sums,
    zero: int,
    clamp: tuple[int, int],
) -> DspLayer | None:
    """Scaling by the upper word of a product, a sum and a shift; None where there is none."""
    bounds = bounds_of(sums, len(factor))
    line = find_line(staircase, factor, zero, bounds, clamp, 1 << packed.unit)
    if line is None:
        return None
    last, shift = line.round // _WORD, line.shift - 32
    reach = (sums.reach << packed.unit) + np.abs(line.offset)
    upper = reach * line.multiplier // _WORD + np.abs(last)
    if reach.max() >= 1 << 31 or upper.max() >= 1 << 30:
        return None
    start = replace(packed, start=packed.start + line.offset)
    return _layer("XN_SCALE_LINE", start, line.multiplier, last, shift, 0, clamp)


def _layer(
    kind: str,
    packed: _Packed,
    multipliers: Ints,
    last: Ints,
    shift: int,
    zero: int,
    clamp: tuple[int, int],
) -> DspLayer:
    scaling: dict[str, CValue] = {"kind": kind, "step": int(len(multipliers) > 1)}
    scaling |= {
        "unit": packed.unit,
        "shift": shift,
        "zero": zero,
        "low": clamp[0],
        "high": clamp[1],
    }
    tables = {"start": packed.start, "multiplier": multipliers, "last": last}
    wrapped = {k: (x & (_WORD - 1)).astype(np.uint32).view(np.int32) for k, x in tables.items()}
    return DspLayer(packed.words, packed.part, scaling, wrapped)


def _quads(rows: Ints) -> Ints:
    """Weights by fours, filled up with 0: [C, K] -> [C, Q, 2, 2]."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).reshape(len(rows), -1, 2, 2)


def _words(pairs: Ints) -> npt.NDArray[np.uint32]:
    """Pairs of 16-bit values as words, [.., 2] -> [..]."""
    return np.ascontiguousarray(pairs.astype("<i2")).view("<u4")[..., 0]
