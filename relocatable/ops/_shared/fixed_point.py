"""LiteRT's fixed-point arithmetic, as in its reference kernels, on int64 arrays."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Tensor

Ints = npt.NDArray[np.int64]
INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1
MOST_RIGHT = 20  # a zero point, shifted left by so much, still fits in 32 bits


def scale_of(tensor: Tensor) -> np.float32:
    """Return the per-tensor scale, in the precision of the model file."""
    assert tensor.quant is not None
    return np.float32(tensor.quant.scale[0])


def zero_of(tensor: Tensor) -> int:
    """Return the per-tensor zero point."""
    assert tensor.quant is not None
    return tensor.quant.zero_point[0]


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Write a real factor as (multiplier, shift): multiplier / 2^31 * 2^shift.

    The multiplier has 31 bits, or is 0.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def whole_log2(scale: np.float32) -> int | None:
    """Find the exponent of what LiteRT takes for a power of two; None if none."""
    exponent = float(np.log(scale) * (np.float32(1) / np.log(np.float32(2))))
    nearest = round_away(exponent)
    return nearest if abs(np.float32(exponent) - np.float32(nearest)) < 1e-3 else None


def round_away(x: float) -> int:
    """Round to the nearest integer, halves away from zero."""
    whole = math.trunc(x)
    rest = abs(x - whole)
    return whole + (int(math.copysign(1, x)) if rest >= 0.5 else 0)


def round_away_f32(x: npt.NDArray[np.floating]) -> Ints:
    """Round floats to the nearest integers, halves away from zero."""
    wide = x.astype(np.float64)
    whole = np.trunc(wide)
    return (whole + np.where(np.abs(wide - whole) >= 0.5, np.sign(wide), 0)).astype(np.int64)


def wrap32(x: Ints) -> Ints:
    """Keep what int32 holds of a sum or product."""
    return ((x + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


def saturating_doubling_high_mul(a: Ints, b: Ints | int) -> Ints:
    """Compute gemmlowp's SaturatingRoundingDoublingHighMul; |a|, |b| < 2^31."""
    return (a * b + (1 << 30)) >> 31


def rounding_divide_by_pot(x: Ints, n: Ints | int) -> Ints:
    """Compute gemmlowp's RoundingDivideByPOT: x / 2^n, halves away from zero."""
    mask = (np.int64(1) << np.asarray(n, np.int64)) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> n) + ((x & mask) > threshold)


def bit_lengths(x: Ints) -> Ints:
    """Count the bits of numbers from 0 on, of up to 32 bits."""
    return np.where(x > 0, np.floor(np.log2(np.maximum(x, 1))), -1).astype(np.int64) + 1


def reciprocal(x: Ints) -> Ints:
    """Compute 1 / (1 + x), 31 fraction bits, by three steps of Newton's method."""
    half = (x + INT32_MAX + 1) // 2
    y = 1515870810 + saturating_doubling_high_mul(half, -1010580540)  # 48/17 - 32/17 * half
    for _ in range(3):
        rest = (1 << 29) - saturating_doubling_high_mul(half, y)
        y = y + np.clip(saturating_doubling_high_mul(y, rest) << 2, INT32_MIN, INT32_MAX)
    return np.asarray(np.clip(y << 1, INT32_MIN, INT32_MAX), np.int64)


def multiply_by_quantized_multiplier(x: Ints, multiplier: Ints | int, shift: Ints | int) -> Ints:
    """Compute LiteRT's MultiplyByQuantizedMultiplier, with its two roundings."""
    shift = np.asarray(shift, np.int64)
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    return rounding_divide_by_pot(
        saturating_doubling_high_mul(wrap32(x << left), multiplier), right
    )


def reduced(multipliers: Ints | int) -> Ints:
    """Round multipliers of 31 bits to the 15 that LiteRT uses for 64-bit sums."""
    rounded: Ints = (np.asarray(multipliers, np.int64) + (1 << 15)) >> 16
    return np.asarray(np.minimum(rounded, 0x7FFF))


def multiply_by_reduced_multiplier(x: Ints, multipliers: Ints | int, shifts: Ints | int) -> Ints:
    """Compute LiteRT's MultiplyByQuantizedMultiplier of 64-bit sums."""
    right = 15 - np.asarray(shifts, np.int64)
    return (x * reduced(multipliers) + (np.int64(1) << (right - 1))) >> right


def type_range(dtype: str) -> tuple[int, int]:
    """Return the smallest and largest value of an integer type."""
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


_CLAMPS = {
    "RELU": (0.0, None),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}


def quantized_clamp(activation: str, output: Tensor) -> tuple[int, int]:
    """Find the range of an output of 8 or 16 bits under a fused activation."""
    low, high = type_range(output.dtype)
    wanted = _CLAMPS.get(activation, (None, None))
    quantized = [
        None if v is None else zero_of(output) + _round_f32(np.float32(v) / scale_of(output))
        for v in wanted
    ]
    return (
        low if quantized[0] is None else max(low, quantized[0]),
        high if quantized[1] is None else min(high, quantized[1]),
    )


def float_clamp(activation: str) -> tuple[float, float]:
    """Find the range of a float output under a fused activation."""
    most = float(np.finfo(np.float32).max)
    low, high = _CLAMPS.get(activation, (None, None))
    return (-most if low is None else low, most if high is None else high)


def output_clamp(activation: str, output: Tensor) -> tuple[int, int] | tuple[float, float]:
    """Find the range of an 8-bit, 16-bit or float32 output under a fused activation."""
    is_float = output.dtype == "float32"
    return float_clamp(activation) if is_float else quantized_clamp(activation, output)


def _round_f32(x: np.float32) -> int:
    return int(round_away_f32(np.asarray(x, np.float32)))
