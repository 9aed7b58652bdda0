"""Functions of one value: a table of 256 results for 8-bit values, C for floats."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from relocatable.fixed_point import (
    Ints,
    float_clamp,
    multiply,
    quantize_multiplier,
    quantized_clamp,
    round_away_f32,
    round_shift,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.graph.graph import Tensor
from relocatable.select.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Name, Output
from relocatable.steps.kernel_call import KernelCall

Floats = npt.NDArray[np.float32]


def choose_relu(site: Site) -> KernelCall:
    """RELU and RELU6 in int8, uint8 and float32."""
    if site.is_float:
        low, high = float_clamp(site.op.kind)
        return _float(site, "XN_RELU", {"low": low, "high": high})
    x, y = site.input(0), site.output
    multiplier, shift = quantize_multiplier(float(scale_of(x) / scale_of(y)))
    values = multiply(all_values(x) - zero_of(x), multiplier, shift) + zero_of(y)
    return table_call(site, np.clip(values, *quantized_clamp(site.op.kind, y)))


def choose_leaky_relu(site: Site) -> KernelCall:
    """LEAKY_RELU in int8, uint8 and float32."""
    alpha = np.float32(site.float_attr("alpha"))
    if site.is_float:
        return _float(site, "XN_LEAKY_RELU", {"alpha": alpha})
    x, y = site.input(0), site.output
    up = quantize_multiplier(float(scale_of(x) / scale_of(y)))
    down, down_shift = quantize_multiplier(float(scale_of(x) * alpha / scale_of(y)))
    value = all_values(x) - zero_of(x)
    below = multiply(value, abs(down), down_shift) * (-1 if down < 0 else 1)
    return table_call(site, np.where(value >= 0, multiply(value, *up), below) + zero_of(y))


def choose_logistic(site: Site) -> KernelCall:
    """LOGISTIC in int8, uint8 and float32."""
    if site.is_float:
        return _float(site, "XN_LOGISTIC", {})
    return table_call(site, _real_table(site, _logistic))


def choose_tanh(site: Site) -> KernelCall:
    """TANH in int8, uint8 and float32."""
    if site.is_float:
        return _float(site, "XN_TANH", {})
    return table_call(site, _real_table(site, _tanh))


def choose_hard_swish(site: Site) -> KernelCall:
    """HARD_SWISH in int8, uint8 and float32."""
    if site.is_float:
        return _float(site, "XN_HARD_SWISH", {})
    return table_call(site, _hard_swish(site.input(0), site.output))


def all_values(tensor: Tensor) -> Ints:
    """The 256 values of an 8-bit tensor, by their bits as unsigned."""
    return np.arange(256, dtype=np.uint8).view(tensor.dtype).astype(np.int64)


def table_call(site: Site, values: Ints) -> KernelCall:
    """The call that looks each value up; `values` are clamped to the output's type."""
    if site.output.dtype not in ("int8", "uint8") or site.input(0).dtype not in ("int8", "uint8"):
        dtypes = f"{site.input(0).dtype}, {site.output.dtype}"
        site.refuse("input and output must be int8, uint8 or float32", dtypes)
    table = np.clip(values, *type_range(site.output.dtype)).astype(site.output.dtype)
    arguments = (Input(0, "uint8_t"), Constant("table"), Output("uint8_t"))
    return site.call(
        "table.c",
        CCall("xn_table_8", arguments, {"count": site.count}),
        weights={"table": table.view(np.uint8)},
        in_place=(0,),
        rows=site.value_rows,
    )


def _float(site: Site, function: str, extra: dict[str, CValue]) -> KernelCall:
    params: dict[str, CValue] = {"function": Name(function), "count": site.count, **extra}
    call = CCall("xn_activation_f32", (Input(0), Output()), params)
    return site.call("activation.c", call, in_place=(0,), rows=site.value_rows)


def _real_table(site: Site, function: Callable[[Floats], Floats]) -> Ints:
    """The table of a real function, in LiteRT's single precision."""
    x, y = site.input(0), site.output
    inverse = np.float32(1) / scale_of(y)
    real = scale_of(x) * (all_values(x) - zero_of(x)).astype(np.float32)
    rescaled = round_away_f32(function(real) * inverse)
    return (rescaled.astype(np.float32) + np.float32(zero_of(y))).astype(np.int64)


def _logistic(x: Floats) -> Floats:
    with np.errstate(over="ignore"):
        e = np.exp(-x.astype(np.float64)).astype(np.float32)
    return np.float32(1) / (np.float32(1) + e)


def _tanh(x: Floats) -> Floats:
    return np.tanh(x.astype(np.float64)).astype(np.float32)


def _hard_swish(x: Tensor, y: Tensor) -> Ints:
    """LiteRT's 16-bit arithmetic: x * relu6(x + 3) / 6."""
    fine = np.float32(1 / 128) * scale_of(x)
    out_multiplier, out_shift = quantize_multiplier(float(fine / scale_of(y)))
    gate_multiplier, gate_shift = quantize_multiplier(
        float(fine / (np.float32(3) / np.float32(32768)))
    )
    value = (all_values(x) - zero_of(x)) * 128
    scaled = _high_mul16(value, _top16(out_multiplier))
    gate = value
    if gate_shift > 0:
        gate = _saturate16(gate << (gate_shift - 1))
    gate = _high_mul16(gate, _top16(gate_multiplier))
    if gate_shift > 0:
        gate = _saturate16(gate << 1)
    if gate_shift < 0:
        gate = round_shift(gate, -gate_shift)
    gate = (gate + (1 << 15)) >> 1
    product = gate * scaled
    product = np.sign(product) * (np.abs(product) >> 15)
    return round_shift(product, -out_shift) + zero_of(y)


def _top16(multiplier: int) -> int:
    """A 31-bit multiplier as one of 15 bits."""
    return (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF8000 else 0x7FFF


def _high_mul16(a: Ints, b: int) -> Ints:
    return _saturate16((a * b + (1 << 14)) >> 15)


def _saturate16(x: Ints) -> Ints:
    return np.clip(x, -(1 << 15), (1 << 15) - 1)
