"""ADD, SUB, MUL, with broadcast."""

from __future__ import annotations

import numpy as np

from relocatable.fixed_point import (
    float_clamp,
    multiply,
    quantize_multiplier,
    quantized_clamp,
    scale_of,
    zero_of,
)
from relocatable.line_scale import find_plane
from relocatable.select.activation import all_values
from relocatable.select.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_FLOATS = (Input(0), Input(1), Output())
_BYTES = (Input(0, "uint8_t"), Input(1, "uint8_t"), Output("uint8_t"))


def choose_add(site: Site) -> KernelCall:
    """ADD in int8, uint8 and float32."""
    return _add(site, 1)


def choose_sub(site: Site) -> KernelCall:
    """SUB in int8, uint8 and float32."""
    return _add(site, -1)


def choose_mul(site: Site) -> KernelCall:
    """MUL in int8, uint8 and float32."""
    params: dict[str, CValue] = {"shape": _broadcast(site)}
    if site.is_float:
        low, high = float_clamp(site.activation)
        params |= {"low": low, "high": high}
        return _call(site, "mul.c", CCall("xn_mul_f32", _FLOATS, params))
    a, b, y = site.input(0), site.input(1), site.output
    # LiteRT computes this one in single precision.
    multiplier, shift = quantize_multiplier(float(scale_of(a) * scale_of(b) / scale_of(y)))
    q_low, q_high = quantized_clamp(site.activation, y)
    params |= {
        "is_signed": site.is_signed,
        "a_zero": zero_of(a),
        "b_zero": zero_of(b),
        "out_zero": zero_of(y),
        "multiplier": multiplier,
        "shift": shift,
        "low": q_low,
        "high": q_high,
    }
    return _call(site, "mul.c", CCall("xn_mul_8", _BYTES, params))


def _add(site: Site, sign: int) -> KernelCall:
    params: dict[str, CValue] = {"shape": _broadcast(site)}
    if site.is_float:
        low, high = float_clamp(site.activation)
        params |= {"sign": float(sign), "low": low, "high": high}
        return _call(site, "add.c", CCall("xn_add_f32", _FLOATS, params))
    a, b, y = site.input(0), site.input(1), site.output
    twice_max = 2 * float(max(scale_of(a), scale_of(b)))
    a_multiplier, a_shift = quantize_multiplier(float(scale_of(a)) / twice_max)
    b_multiplier, b_shift = quantize_multiplier(float(scale_of(b)) / twice_max)
    out_real = twice_max / float(np.float32(1 << 20) * scale_of(y))
    out_multiplier, out_shift = quantize_multiplier(out_real)
    q_low, q_high = quantized_clamp(site.activation, y)
    params |= {
        "is_signed": site.is_signed,
        "low": q_low,
        "high": q_high,
    }
    values_a, values_b = all_values(a) - zero_of(a), all_values(b) - zero_of(b)
    scaled_a = multiply(values_a << 20, a_multiplier, a_shift)[:, None]
    scaled_b = multiply(values_b << 20, b_multiplier, b_shift)[None, :]
    sums = multiply(scaled_a + sign * scaled_b, out_multiplier, out_shift) + zero_of(y)
    real = (float(scale_of(a) / scale_of(y)), sign * float(scale_of(b) / scale_of(y)))
    line = find_plane((all_values(a), all_values(b)), real, sums, (q_low, q_high))
    if line is not None:
        params |= {
            "a_factor": line.a_factor,
            "b_factor": line.b_factor,
            "round": line.round,
            "shift": line.shift,
        }
        return _call(site, "add.c", CCall("xn_add_line_8", _BYTES, params))
    params |= {
        "sign": sign,
        "a_zero": zero_of(a),
        "b_zero": zero_of(b),
        "out_zero": zero_of(y),
        "a_multiplier": a_multiplier,
        "a_shift": a_shift,
        "b_multiplier": b_multiplier,
        "b_shift": b_shift,
        "out_multiplier": out_multiplier,
        "out_shift": out_shift,
    }
    return _call(site, "add.c", CCall("xn_add_8", _BYTES, params))


def _call(site: Site, source: str, call: CCall) -> KernelCall:
    same = [i for i in (0, 1) if site.input(i).shape == site.output.shape]
    macs, rows = site.output.count, site.value_rows
    return site.call(source, call, inputs=(0, 1), in_place=same, macs=macs, rows=rows)


def _broadcast(site: Site) -> CValue:
    """The fields of xn_broadcast; neighbouring dimensions that move alike are one."""
    if site.value_rows is not None:
        once = (0, 0, 0, 1)
        return {"size": (1, 1, 1, site.count), "a_stride": once, "b_stride": once}
    out = site.output.shape
    strides = [_strides(site.input(i).shape, len(out)) for i in (0, 1)]
    merged: list[tuple[int, int, int]] = []  # size and strides, innermost last
    for size, a, b in zip(out, *strides, strict=True):
        if size == 1:
            continue
        if merged and merged[-1][1] == a * size and merged[-1][2] == b * size:
            merged[-1] = (merged[-1][0] * size, a, b)
        else:
            merged.append((size, a, b))
    if len(merged) > 4:
        site.refuse("operands must be broadcast in at most 4 runs of dimensions", str(len(merged)))
    padded = [(1, 0, 0)] * (4 - len(merged)) + merged
    sizes, a_strides, b_strides = zip(*padded, strict=True)
    return {"size": sizes, "a_stride": a_strides, "b_stride": b_strides}


def _strides(shape: tuple[int, ...], rank: int) -> list[int]:
    """Elements that a step along each output dimension moves; 0 where the operand is repeated."""
    full = (1,) * (rank - len(shape)) + shape
    strides, step = [0] * rank, 1
    for i in reversed(range(rank)):
        strides[i] = 0 if full[i] == 1 else step
        step *= full[i]
    return strides
