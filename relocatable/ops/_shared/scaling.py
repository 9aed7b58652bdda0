"""The scaling of a layer's sums to outputs of 8 or 16 bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Tensor
from relocatable.ops._shared.affine import Staircase, fit_affine
from relocatable.ops._shared.fixed_point import (
    INT32_MAX,
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    reduced,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.ops._shared.fraction import fractions_of
from relocatable.steps.c_call import Constant, CValue, Name, Struct

# Once by a double; twice by LiteRT's fixed-point multipliers; or once by their upper 16 bits, as it
# scales 64-bit sums.
Rounding = Literal["single", "double", "reduced"]
_TABLES = ("multiplier", "round", "bias", "shift", "real")


@dataclass(frozen=True, eq=False)
class Scaling:
    """Constants `xn_scaling` and tables `xn_scales` of xn_scale.h.

    Attributes:
        params: fields of xn_scaling.
        weights: tables by their field's name.
    """

    params: Mapping[str, CValue]
    weights: dict[str, npt.NDArray[np.generic]] = field(default_factory=dict)

    @property
    def tables(self) -> Struct:
        """The kernel's argument that points to the tables."""
        fields = {t: Constant(t) for t in _TABLES if t in self.weights}
        return Struct("xn_scales", "scales", fields)


@dataclass(frozen=True, eq=False)
class AccumulatorBounds:
    """The bounds of a layer's sums at compile time, each int64 [C].

    Attributes:
        bias: what the kernel's sum lacks of the true one.
        lowest, highest: of the true sum, over all inputs.
        raw: largest magnitude of the kernel's own sum on the way.
    """

    bias: Ints
    lowest: Ints
    highest: Ints
    raw: Ints

    @property
    def reach(self) -> Ints:
        """Largest magnitude of the true sum."""
        return np.maximum(np.abs(self.lowest), np.abs(self.highest))


def accumulator_bounds(
    filter_rows: Ints, bias: npt.NDArray[np.generic] | None, source: Tensor, filter_zero: int = 0
) -> AccumulatorBounds:
    """Bound the sums of a layer that multiplies inputs with filters.

    Args:
        filter_rows: weights of each output channel, int64 [C, K].
        bias: integers [C], None for zeros.
        source: the input, for its type and zero point.
        filter_zero: zero point of the weights.
    """
    zero, (least, most) = zero_of(source), type_range(source.dtype)
    low, high = least - zero, most - zero
    real = filter_rows - filter_zero
    up = np.maximum(real, 0).sum(axis=1)
    down = np.minimum(real, 0).sum(axis=1)
    base = np.zeros(len(real), np.int64) if bias is None else bias.astype(np.int64).reshape(-1)
    return AccumulatorBounds(
        bias=base - zero * real.sum(axis=1),
        lowest=base + up * low + down * high,
        highest=base + up * high + down * low,
        raw=max(-least, most)
        * (np.abs(filter_rows).sum(axis=1) + filter_rows.shape[1] * abs(filter_zero)),
    )


def layer_factors(
    source: Tensor, weights: Tensor, output: Tensor, rounding: Rounding = "double"
) -> list[float]:
    """Divide the sums' scale by the output's: one for each channel, or one for all."""
    assert weights.quant is not None
    if source.dtype == "uint8" and rounding == "double":
        # LiteRT multiplies the old type's scales in single precision.
        return [float(scale_of(source) * scale_of(weights)) / float(scale_of(output))]
    scales = [float(np.float32(s)) for s in weights.quant.scale]
    return [float(scale_of(source)) * s / float(scale_of(output)) for s in scales]


def multipliers_of(factors: list[float]) -> tuple[Ints, Ints]:
    """Compute LiteRT's multipliers and shifts of factors."""
    pairs = [quantize_multiplier(f) for f in factors]
    return np.array([m for m, _ in pairs], np.int64), np.array([s for _, s in pairs], np.int64)


def double_rounding(multipliers: Ints, shifts: Ints, zero: int) -> Staircase:
    """Make the function of sums that rounds twice."""
    return lambda x: (
        multiply_by_quantized_multiplier(x, multipliers[:, None], shifts[:, None]) + zero
    )


def single_rounding(factors: npt.NDArray[np.float64], zero: int) -> Staircase:
    """Make the function of sums that rounds once, halves away from zero."""

    def staircase(x: Ints) -> Ints:
        y = x.astype(np.float64) * factors[:, None]
        whole = np.trunc(y)
        return (whole + np.where(np.abs(y - whole) >= 0.5, np.sign(y), 0)).astype(np.int64) + zero

    return staircase


def shifts_fit(shifts: Ints, sums: AccumulatorBounds) -> bool:
    """Tell whether no left shift overflows, which would make no staircase."""
    return bool(np.all(sums.reach << np.maximum(shifts, 0) <= INT32_MAX))


def scale_double_rounding(
    factors: list[float], sums: AccumulatorBounds, output: Tensor, clamp: tuple[int, int]
) -> Scaling:
    """Scale by LiteRT's fixed-point multipliers, which round twice."""
    multipliers, shifts = multipliers_of(factors)
    zero = zero_of(output)
    affine = None
    if shifts_fit(shifts, sums):
        exact = multipliers / 2.0**31 * 2.0**shifts
        affine = _affine(double_rounding(multipliers, shifts, zero), exact, sums, zero, clamp)
    if affine is not None:
        return affine
    weights = {
        "bias": _wrapped(sums.bias),
        "multiplier": multipliers.astype(np.int32),
        "shift": shifts.astype(np.int32),
    }
    small = bool(np.all(sums.reach < 1 << 30) and np.all(sums.raw < 1 << 30))
    if small and np.all((shifts >= -30) & (shifts <= -1)):
        weights["shift"] = (-shifts - 1).astype(np.int32)
        return Scaling(
            _params("XN_SCALE_DOUBLE_ROUNDING_30", len(factors), 0, zero, clamp), weights
        )
    return Scaling(_params("XN_SCALE_DOUBLE_ROUNDING", len(factors), 0, zero, clamp), weights)


def scale_vectors(
    factors: list[float], sums: AccumulatorBounds, output: Tensor, clamp: tuple[int, int]
) -> Scaling:
    """Scale as `scale_double_rounding` does, for four channels at a time."""
    channels = len(sums.bias)
    pairs = [quantize_multiplier(f) for f in factors] * (channels if len(factors) == 1 else 1)
    weights: dict[str, npt.NDArray[np.generic]] = {
        "bias": _wrapped(sums.bias),
        "multiplier": np.array([m for m, _ in pairs], np.int32),
        "shift": np.array([s for _, s in pairs], np.int32),
    }
    kind = (
        "XN_SCALE_DOUBLE_ROUNDING"
        if any(s > 0 for _, s in pairs)
        else "XN_SCALE_DOUBLE_ROUNDING_30"
    )
    return Scaling(_params(kind, channels, 0, zero_of(output), clamp), weights)


def scale_vectors_16(
    factors: list[float],
    sums: AccumulatorBounds,
    output: Tensor,
    clamp: tuple[int, int],
    rounding: Rounding,
) -> Scaling | None:
    """Scale to 16 bits four channels at a time; None if 32 bits are not enough."""
    if sums.reach.max() >= 1 << 31:
        return None
    scaling = scale_vectors(factors, sums, output, clamp)
    if rounding == "double":
        return scaling
    multipliers, shifts = (
        scaling.weights[name].astype(np.int64) for name in ("multiplier", "shift")
    )
    if shifts.max() > -2:  # the half must be a part of the product's upper word
        return None
    weights = {
        **scaling.weights,
        "multiplier": (reduced(multipliers) << 16).astype(np.int32),
        "shift": (shifts + 1).astype(np.int32),
    }
    return Scaling({**scaling.params, "kind": Name("XN_SCALE_AFFINE")}, weights)


def scale_single_rounding(
    factors: list[float], sums: AccumulatorBounds, output: Tensor, clamp: tuple[int, int]
) -> Scaling:
    """Scale by a double, which rounds once, halves away from zero."""
    real = np.array(factors, np.float64)
    zero = zero_of(output)

    affine = _affine(single_rounding(real, zero), real, sums, zero, clamp)
    if affine is not None:
        return affine
    weights = {"bias": _wrapped(sums.bias), "real": real}
    return Scaling(_params("XN_SCALE_SINGLE_ROUNDING", len(factors), 0, zero, clamp), weights)


def scale_wide_sums(
    factors: list[float],
    sums: AccumulatorBounds,
    output: Tensor,
    clamp: tuple[int, int],
    rounding: Rounding,
) -> Scaling:
    """Scale 64-bit sums to 16 bits, whose zero point is 0."""
    right = 0
    if rounding == "single":
        kind, real, right = single_factors(factors, sums.reach)
        tables: dict[str, npt.NDArray[np.generic]] = {"real": real}
        rounds = sums.bias
    else:
        kind, rounds = "XN_SCALE_DOUBLE_ROUNDING", sums.bias
        multipliers, shifts = multipliers_of(factors)
        if rounding == "reduced":
            kind, multipliers, shifts = "XN_SCALE_WIDE_AFFINE", reduced(multipliers), 15 - shifts
            rounds = sums.bias * multipliers + (np.int64(1) << (shifts - 1))
        tables = {"multiplier": multipliers.astype(np.int32), "shift": shifts.astype(np.int32)}
    params = _params(kind, len(factors), right, 0, clamp)
    return Scaling(params, {**tables, "round": rounds})


def single_factors(factors: list[float], reach: Ints) -> tuple[str, npt.NDArray[np.float64], int]:
    """Find kind, factors and shift of 16-bit outputs that are rounded once.

    Args:
        factors: one for each channel, or one for all.
        reach: largest magnitude of each channel's sum.

    Returns:
        Of the faster kind, if it rounds likewise, the bits of the factors are integers.
    """
    found = fractions_of(factors, reach)
    if found is None:
        return "XN_SCALE_SINGLE_ROUNDING", np.array(factors, np.float64), 0
    bits = np.array(found.numerators, np.uint64).view(np.float64)
    return "XN_SCALE_SINGLE_ROUNDING_31", bits, found.shift


def bounds_of(sums: AccumulatorBounds, factors: int) -> tuple[Ints, Ints]:
    """Bound the sums of each factor: channels that share one share its staircase."""
    if factors == 1:
        return sums.lowest.min(keepdims=True), sums.highest.max(keepdims=True)
    return sums.lowest, sums.highest


def _affine(
    staircase: Staircase,
    factor: npt.NDArray[np.float64],
    sums: AccumulatorBounds,
    zero: int,
    clamp: tuple[int, int],
) -> Scaling | None:
    channels = len(sums.bias)
    if np.any(sums.raw > INT32_MAX):
        return None
    affine = fit_affine(staircase, factor, zero, bounds_of(sums, len(factor)), clamp)
    if affine is None:
        return None
    rounding = affine.round + sums.bias * affine.multiplier
    if np.any(np.abs(rounding) > 1 << 61) or np.any(np.abs(sums.raw * affine.multiplier) > 1 << 61):
        return None
    weights: dict[str, npt.NDArray[np.generic]] = {
        "multiplier": affine.multiplier.astype(np.int32),
        "round": np.broadcast_to(rounding, (channels,)).astype(np.int64),
    }
    # The zero point is part of the function.
    return Scaling(_params("XN_SCALE_AFFINE", len(factor), affine.shift, 0, clamp), weights)


def _params(
    kind: str, factors: int, shift: int, zero: int, clamp: tuple[int, int]
) -> dict[str, CValue]:
    step = 0 if factors == 1 else 1
    low, high = clamp
    return {
        "kind": Name(kind),
        "step": step,
        "shift": shift,
        "zero": zero,
        "low": low,
        "high": high,
    }


def _wrapped(x: Ints) -> npt.NDArray[np.generic]:
    return (x & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
