"""QUANTIZE."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant, Tensor
from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    round_away_f32,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.ops._shared.quantize import quantize_call
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.table import all_values, lower_table
from relocatable.ops._shared.types import has_one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Name, Output, c_type
from relocatable.steps.kernel_call import KernelCall

_BYTES = ("int8", "uint8")
# Types of the output that LiteRT has for each one of the input.
_PAIRS = {
    "int8": (*_BYTES, "int16"),
    "uint8": (*_BYTES, "int16"),
    "int16": ("int8", "int16", "int32"),
    "int32": ("int8", "int16"),
    "float32": (*_BYTES, "int16"),
}
# Of the input's scale over the output's: beyond, 32 bits do not hold what is scaled.
_MOST = {"int8": 30, "uint8": 30, "int16": 15, "int32": 0, "float32": 30}


def paired_types(node: Node) -> Seen:
    """bytes and float32 must become bytes or int16, int16 become int8, int16 or int32, and int32
    become int8 or int16"""
    x, y = node.inputs[0].dtype, node.output.dtype
    return y in _PAIRS[x], f"{x} -> {y}"


def all_scales(node: Node) -> Seen:
    """integers must have one scale, and a zero point within their type (16 and 32 bits: 0, but of
    int16 that becomes int32, any)"""
    x = node.inputs[0]
    if (x.dtype, node.output.dtype) == ("int16", "int32") and x.quant and len(x.quant.scale) == 1:
        x = replace(x, quant=replace(x.quant, zero_point=(0,)))  # TFLite Micro takes any
    for tensor in (x, node.output):
        ok = tensor.dtype == "float32" or has_one_scale(tensor)
        if not ok or (tensor.dtype == "int32" and zero_of(tensor) != 0):
            return False, f"{tensor.quant} of {tensor.dtype} '{tensor.name}'"
    return True, ""


def scale_ratio(node: Node) -> Seen:
    """the input's scale, or 1 if it is float32, over the output's must be below 2^30 for bytes and
    floats, 2^15 for int16, and 1 for int32"""
    x, y = node.inputs[0], node.output
    with np.errstate(all="ignore"):
        ratio = (1.0 if x.dtype == "float32" else float(scale_of(x))) / np.float64(scale_of(y))
    return bool(ratio < 2.0 ** _MOST[x.dtype]), f"{ratio:g}"


def lower_quantize(site: Site) -> KernelCall:
    """Lower QUANTIZE; of bytes to bytes by a table."""
    x, y = site.input(0), site.output
    if site.is_float:
        return quantize_call(site, "xn_quantize", y)
    if x.dtype in _BYTES and y.dtype in _BYTES:
        return lower_table(site, _rescaled(x, y, all_values(x)))
    multiplier, shift = _multiplier(x, y)
    params: dict[str, CValue] = {
        "count": site.count,
        "in_zero": zero_of(x),
        "out_zero": zero_of(y),
        "multiplier": multiplier,
        "shift": shift,
    }
    low, high = type_range(y.dtype)
    limits = (Name(f"({low + 1} - 1)"), high)
    call = CCall(
        "XN_REQUANTIZE",
        (Input(0), Output(), Name(c_type(y.dtype)), *limits),
        params,
        "xn_requantize_params",
    )
    return site.call("quantize/requantize.c", call, rows=site.value_rows)


def keeps_values(node: Node) -> bool:
    """Tell whether type, scale and zero point stay as they are."""
    x, y = node.inputs[0], node.output
    return x.dtype == y.dtype and x.quant == y.quant


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Express values by the output's scale."""
    x, y = node.inputs[0], node.output
    if x.dtype == "float32":
        values = round_away_f32((inputs[0] / scale_of(y)).astype(np.float32)) + zero_of(y)
    else:
        values = _rescaled(x, y, inputs[0].astype(np.int64))
    return np.clip(values, *type_range(y.dtype)).astype(y.dtype)


def _rescaled(x: Tensor, y: Tensor, values: Ints) -> Ints:
    """Compute what LiteRT makes of integers of another scale, not yet clamped."""
    return multiply_by_quantized_multiplier(values - zero_of(x), *_multiplier(x, y)) + zero_of(y)


def _multiplier(x: Tensor, y: Tensor) -> tuple[int, int]:
    return quantize_multiplier(float(scale_of(x)) / float(scale_of(y)))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph whose output is of another scale."""
    b = GraphBuilder()
    to = str(rng.choice(_PAIRS[dtype]))
    x, y = b.input(1, 300, dtype=dtype), b.tensor(1, 300, dtype=to)
    for i in (x, y):  # int32 has a scale here only
        quant = _random_scale(rng, b.tensors[i].dtype)
        b.tensors[i] = replace(b.tensors[i], quant=quant)
    return b.graph(b.op("QUANTIZE", (x,), y))


def _random_scale(rng: Rng, dtype: str) -> Quant | None:
    if dtype == "int32":
        return Quant((float(np.float32(np.exp(rng.uniform(-16, -13)))),), (0,))
    return random_quant(rng, dtype)


OPERATORS = (
    Operator(
        kind="QUANTIZE",
        result="same",
        operands=(Operand("input", tuple(_PAIRS)),),
        output=(*_BYTES, "int16", "int32"),
        rules=(paired_types, all_scales, scale_ratio),
        shape=kept_shape,
        evaluate=evaluate,
        kernels=(Kernel(lower_quantize),),
        is_view=keeps_values,
        samples=samples(sample, tuple(_PAIRS)),
    ),
)
