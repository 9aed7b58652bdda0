"""Weights and scaling of the DSP extension's kernels (xn_dsp.h)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Tensor
from relocatable.ops._shared.affine import Staircase, fit_affine
from relocatable.ops._shared.fixed_point import Ints, quantized_clamp, reduced, zero_of
from relocatable.ops._shared.scaling import (
    AccumulatorBounds,
    Rounding,
    bounds_of,
    double_rounding,
    layer_factors,
    multipliers_of,
    shifts_fit,
    single_factors,
    single_rounding,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CValue, Name
from relocatable.steps.pack_filter import FilterBlocks

_UNIT = 8  # bits
_MOST_PARTS = 8
_SAFE_QUADS_16 = 127  # whose sums of 16 by 8 bits fit 32
_WORD = 1 << 32


@dataclass(frozen=True, eq=False)
class DspLayer:
    """Filters and scaling as the kernels read them.

    Attributes:
        words: uint32 [C, Q, 1], four weights each; [C, Q, 2] if they are 16 bits wide.
        part: after so many words of a filter the sum is saved, since it might overflow.
        start: of each channel's sum, uint32 [C].
        factors: multiplier and last number of each channel, uint32 [C, 2]; [0, 2] if `scaling`
            has those of all.
        scaling: constants `xn_dsp_scaling`.
        is_pairs: the four weights of a word are two of 256 * a + b.
    """

    words: npt.NDArray[np.uint32]
    part: int
    start: npt.NDArray[np.uint32]
    factors: npt.NDArray[np.uint32]
    scaling: Mapping[str, CValue]
    is_pairs: bool

    def stream(self, size: int) -> npt.NDArray[np.uint32]:
        """Arrange filters in blocks of `size` channels, the last filled up: uint32 [B, N].

        A block is the sums' starts, the words in turn, the multipliers, the last numbers.
        """
        parts = (self.start[:, None], self.words.reshape(len(self.words), -1), self.factors)
        blocks = []
        for part in parts:
            whole = np.pad(part, ((0, -len(part) % size), (0, 0)))
            blocks.append(whole.reshape(-1, size, part.shape[1]).swapaxes(1, 2))
        return np.concatenate([x.reshape(len(x), -1) for x in blocks if x.size], axis=1)

    def blocks(self, size: int, repeats: int = 0) -> FilterBlocks:
        """Describe that stream; `repeats` as there."""
        word = 4
        is_wide = self.words.shape[2] == 2
        return FilterBlocks(
            outputs=len(self.words),
            channels=size,
            run=word >> is_wide,
            size=1 << is_wide,
            head=word * size,
            tail=word * size * (self.factors.shape[1] if self.factors.size else 0),
            is_pairs=self.is_pairs,
            repeats=repeats,
        )


@dataclass(frozen=True, eq=False)
class _Packed:
    """The filters, and each sum's start, which makes it the true one times 2^unit."""

    words: npt.NDArray[np.uint32]
    part: int
    unit: int
    start: Ints
    is_pairs: bool = False


@dataclass(frozen=True, eq=False)
class _Plain:
    """The layer to be packed and scaled; fields are the arguments of `dsp_layer`."""

    rows: Ints
    factors: list[float]
    sums: AccumulatorBounds
    zero: int
    clamp: tuple[int, int]
    rounding: Rounding
    filter_zero: int = 0


_Pack = Callable[[Ints, AccumulatorBounds], "_Packed | None"]


def dsp_layer(
    rows: Ints,
    factors: list[float],
    sums: AccumulatorBounds,
    output: Tensor,
    clamp: tuple[int, int],
    rounding: Rounding,
    filter_zero: int = 0,
) -> DspLayer | None:
    """Pack a layer for kernels that read filters by four weights.

    Args:
        rows: weights of each output channel in the kernel's order, int64 [C, K].
        factors: scale of the sums over the output's: one for each channel, or one for all.
        sums: of the layer.
        output: for its zero point.
        clamp: of the output.
        rounding: "double" by LiteRT's fixed-point multipliers, "single" by a double.
        filter_zero: zero point of the weights, for which the kernel corrects its sums.

    Returns:
        None if it rounds once in a way that no affine function does.
    """
    whole = _Plain(rows, factors, sums, zero_of(output), clamp, rounding, filter_zero)
    plain = _without_constants(whole)
    layer = _by_line(plain, _pack)
    if layer is not None or rounding == "single":
        return layer
    return _by_shifts(plain, _pack) or _by_shifts(plain, _wide)


def dsp_layer_of(
    site: Site,
    rows: Ints,
    bounds: AccumulatorBounds,
    rounding: Rounding,
    filter_zero: int = 0,
) -> DspLayer | None:
    """Pack the layer of a site; arguments and result as those of `dsp_layer`."""
    if site.input(0).dtype == "int16":
        return dsp_layer_16(site, rows, bounds, rounding, has_parts=True)
    factors = layer_factors(site.input(0), site.input(1), site.output, rounding)
    clamp = quantized_clamp(site.activation, site.output)
    return dsp_layer(rows, factors, bounds, site.output, clamp, rounding, filter_zero)


def dsp_layer_16(
    site: Site, rows: Ints, bounds: AccumulatorBounds, rounding: Rounding, has_parts: bool
) -> DspLayer | None:
    """Pack the layer of a site whose inputs have 16 bits.

    Args:
        site: of the layer.
        rows: weights of each output channel in the kernel's order, int64 [C, K].
        bounds: of the layer's sums.
        rounding: of the layer.
        has_parts: whether the kernel takes four inputs at a time and can save sums of parts in 64
            bits; else weights keep their order.

    Returns:
        None if the sums overflow, or are not scaled by the upper word of a product.
    """
    if np.abs(bounds.bias).max() >= 1 << 31:
        return None
    quads = _quads(rows)
    part = quads.shape[1]
    if bounds.reach.max() >= 1 << 31:
        part = min(part - 1, _SAFE_QUADS_16)
        if part == 0 or not has_parts:
            return None
    words = _words_of(quads.swapaxes(2, 3) if has_parts else quads, "int8")
    packed = _Packed(words, part, 0, bounds.bias)
    clamp = quantized_clamp(site.activation, site.output)
    factors = layer_factors(site.input(0), site.input(1), site.output)
    if rounding == "single":
        kind, real, shift = single_factors(factors, bounds.reach)
        halves = real.view("<i4").reshape(-1, 2).astype(np.int64)
        return _layer(kind, packed, halves[:, 0], halves[:, 1], shift, 0, clamp)
    multipliers, shifts = multipliers_of(factors)
    if rounding == "double":
        return _layer("XN_SCALE_DOUBLE_ROUNDING", packed, multipliers, shifts, 0, 0, clamp)
    # (sum * multiplier + 2^(shift - 1)) >> shift with a shift for all, by a product's upper word.
    right = 15 - shifts
    room = 62 - max(31, int(bounds.reach.max()).bit_length())
    shift = int(np.min(right + room - 15))
    if shift < max(33, right.max()):
        return None
    multipliers = reduced(multipliers) << (shift - right)
    half = np.full_like(multipliers, 1 << (shift - 33))
    return _layer("XN_SCALE_AFFINE", packed, multipliers, half, shift - 32, 0, clamp)


def dsp_bytes_of(
    site: Site, rows: Ints, bounds: AccumulatorBounds, rounding: Rounding
) -> DspLayer | None:
    """Pack plain weights, for kernels whose inputs of 8 bits count 256 times.

    Those of uint8 are wider than bytes, since their zero point is taken off.

    Returns:
        None if the sums would overflow.
    """
    dtype = site.input(0).dtype
    if dtype == "int16":
        return dsp_layer_16(site, rows, bounds, rounding, has_parts=False)
    factors = layer_factors(site.input(0), site.input(1), site.output, rounding)
    clamp = quantized_clamp(site.activation, site.output)
    given = _Plain(rows, factors, bounds, zero_of(site.output), clamp, "double")
    plain = _without_constants(given)
    pack = partial(_plain_words, "int16" if dtype == "uint8" else "int8")
    return _by_line(plain, pack) or _by_shifts(plain, pack)


def _without_constants(plain: _Plain) -> _Plain:
    """Give channels that have but one output plain sums, and factors of their own.

    Training leaves such dead channels behind; their biases may be huge.
    """
    staircase, _ = _staircase(plain)
    sums = plain.sums
    if staircase is None:
        return plain
    ends = (staircase(x[:, None])[:, 0] for x in (sums.lowest, sums.highest))
    least, most = (np.clip(x, *plain.clamp) for x in ends)
    varies = least < most
    if varies.all():
        return plain
    real = np.broadcast_to(np.array(plain.factors), varies.shape)
    # A factor like the others', but a power of two: then nothing is rounded.
    power = int(np.clip(-np.log2(real.max(initial=2.0**-14, where=varies)), 1, 14))
    level = (least - plain.zero) << power
    bias, lowest, highest = (
        np.where(varies, x, level) for x in (sums.bias, sums.lowest, sums.highest)
    )
    return replace(
        plain,
        rows=np.where(varies[:, None], plain.rows, plain.filter_zero),
        factors=list(np.where(varies, real, 2.0**-power)),
        sums=AccumulatorBounds(bias, lowest, highest, sums.raw),
    )


def _staircase(plain: _Plain) -> tuple[Staircase | None, npt.NDArray[np.float64]]:
    """Find LiteRT's outputs of sums and their slope; None if they do not rise."""
    if plain.rounding == "single":
        return single_rounding(np.array(plain.factors), plain.zero), np.array(plain.factors)
    multipliers, shifts = multipliers_of(plain.factors)
    fits = shifts_fit(shifts, plain.sums)
    exact = multipliers / 2.0**31 * 2.0**shifts
    return double_rounding(multipliers, shifts, plain.zero) if fits else None, exact


def _by_line(plain: _Plain, pack: _Pack) -> DspLayer | None:
    """Scale by the upper word of a product, a sum and a shift; None if impossible."""
    staircase, factor = _staircase(plain)
    if staircase is None:
        return None
    # A large bias is a part of the function.
    sums = plain.sums
    middle = (sums.lowest + sums.highest) >> 1
    moved = np.where(np.abs(middle) < 1 << 21, 0, middle)
    if moved.any():
        factor = np.broadcast_to(factor, moved.shape)
        bias, lowest, highest = (x - moved for x in (sums.bias, sums.lowest, sums.highest))
        sums = AccumulatorBounds(bias, lowest, highest, sums.raw)
        staircase = _behind(staircase, moved)
    packed = pack(plain.rows, sums)
    if packed is None or packed.unit == 0:
        return None
    bounds = bounds_of(sums, len(factor))
    affine = fit_affine(staircase, factor, plain.zero, bounds, plain.clamp, 1 << packed.unit)
    if affine is None:
        return None
    last, shift = affine.round // _WORD, affine.shift - 32
    reach = (sums.reach << packed.unit) + np.abs(affine.offset)
    upper = reach * affine.multiplier // _WORD + np.abs(last)
    if reach.max() >= 1 << 31 or upper.max() >= 1 << 30:
        return None
    start = replace(packed, start=packed.start + affine.offset)
    return _layer("XN_SCALE_AFFINE", start, affine.multiplier, last, shift, 0, plain.clamp)


def _behind(staircase: Staircase, bias: Ints) -> Staircase:
    return lambda x: staircase(x + bias[:, None])


def _by_shifts(plain: _Plain, pack: _Pack) -> DspLayer | None:
    """Scale as LiteRT does, in two steps; None if the filters cannot be packed so."""
    packed = pack(plain.rows, plain.sums)
    if packed is None:
        return None
    multipliers, shifts = multipliers_of(plain.factors)
    kind, last = "XN_SCALE_DOUBLE_ROUNDING", shifts
    if plain.sums.reach.max() < 1 << 30 and np.all((shifts >= -22) & (shifts <= -1)):
        kind, last = "XN_SCALE_DOUBLE_ROUNDING_30", -shifts - 1
    return _layer(kind, packed, multipliers, last, 0, plain.zero, plain.clamp)


def _plain_words(dtype: str, rows: Ints, sums: AccumulatorBounds) -> _Packed | None:
    if sums.reach.max() >= 1 << (31 - _UNIT):
        return None
    per_word = 4 // np.dtype(dtype).itemsize
    whole = np.pad(rows, ((0, 0), (0, -rows.shape[1] % per_word)))
    words = _words_of(whole, dtype)
    return _Packed(words, words.shape[1], _UNIT, sums.bias << _UNIT)


def _pack(rows: Ints, sums: AccumulatorBounds) -> _Packed | None:
    """Pack four weights to a word; None if they do not allow it."""
    quads = _quads(rows)
    pairs = 256 * quads[..., 0] + quads[..., 1]
    if pairs.min() < -(1 << 15):
        return None
    extra = 127 * quads[..., 1].sum(axis=2)
    words = _words(pairs)[:, :, None]
    reach = int(sums.reach.max())
    if reach < 1 << (31 - _UNIT):
        start = (sums.bias << _UNIT) - extra.sum(axis=1)
        return _Packed(words, words.shape[1], _UNIT, start, is_pairs=True)
    unit = 30 - reach.bit_length()
    most = (128 << _UNIT) * np.abs(quads).sum(axis=(2, 3)) + np.abs(extra)
    for parts in range(2, _MOST_PARTS + 1):
        part = -(-words.shape[1] // parts)
        at = np.arange(0, words.shape[1], part)
        if unit > 0 and np.add.reduceat(most, at, axis=1).max() < 1 << 31:
            lacking = np.add.reduceat(extra, at, axis=1) >> (_UNIT - unit)
            start = (sums.bias << unit) - lacking.sum(axis=1)
            return _Packed(words, part, unit, start, is_pairs=True)
    return None


def _wide(rows: Ints, sums: AccumulatorBounds) -> _Packed:
    words = _words(_quads(rows).swapaxes(2, 3))
    return _Packed(words, words.shape[1], 0, sums.bias)


def _layer(
    kind: str,
    packed: _Packed,
    multipliers: Ints,
    last: Ints,
    shift: int,
    zero: int,
    clamp: tuple[int, int],
) -> DspLayer:
    same = len(multipliers) == 1
    scaling: dict[str, CValue] = {
        "kind": Name(kind),
        "step": int(not same),
        "unit": packed.unit,
        "shift": shift,
        "zero": zero,
        "low": clamp[0],
        "high": clamp[1],
        "multiplier": int(multipliers[0]) if same else 0,
        "last": int(last[0]) if same else 0,
    }
    start = (packed.start & (_WORD - 1)).astype(np.uint32)
    factors = (np.stack([multipliers, last], axis=1) & (_WORD - 1)).astype(np.uint32)
    return DspLayer(packed.words, packed.part, start, factors[same:], scaling, packed.is_pairs)


def _quads(rows: Ints) -> Ints:
    """Arrange weights by fours, filled up with 0: [C, K] -> [C, Q, 2, 2]."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4))).reshape(len(rows), -1, 2, 2)


def _words_of(rows: Ints, dtype: str) -> npt.NDArray[np.uint32]:
    """Join values of a type of 1 or 2 bytes to words: [C, ..] -> [C, Q, 1]."""
    flat = rows.reshape(len(rows), -1).astype(dtype)
    return np.ascontiguousarray(flat).view("<u4")[:, :, None]


def _words(pairs: Ints) -> npt.NDArray[np.uint32]:
    """Join pairs of 16-bit values to words, [.., 2] -> [..]."""
    return np.ascontiguousarray(pairs.astype("<i2")).view("<u4")[..., 0]
