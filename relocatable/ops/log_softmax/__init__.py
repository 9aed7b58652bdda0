"""LOG_SOFTMAX."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.fixed_point import (
    INT32_MAX,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    rounding_divide_by_pot,
    scale_of,
    type_range,
)
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import ARITHMETIC, exact_scale, kept_type, one_scale
from relocatable.ops.log_softmax.fixed_log import log_of_sums
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.ops.softmax import exp_table
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_ZEROS = {"int8": 127, "uint8": 255}


def log_scale(node: Node) -> Seen:
    """an output of 8 bits must have scale 1/16 and zero point 127 (uint8: 255)"""
    return exact_scale(node.output, 1 / 16, _ZEROS)


def has_dimension(node: Node) -> Seen:
    """input must have at least one dimension"""
    return len(node.inputs[0].shape) >= 1, str(list(node.inputs[0].shape))


def sane_scale(node: Node) -> Seen:
    """an input of 8 bits must have a scale above 2^-26 and below 2^100"""
    scale = 1.0 if not node.quantized else float(scale_of(node.inputs[0]))
    return 2.0**-26 < scale < 2.0**100, f"{scale:g}"


def short_rows(node: Node) -> Seen:
    """a row of 8-bit values must have less than 4096: LiteRT's sum holds no more"""
    depth = node.inputs[0].shape[-1]
    return not node.quantized or depth < 4096, str(depth)


def lower_log_softmax(site: Site) -> KernelCall:
    """Lower LOG_SOFTMAX along the last dimension of int8, uint8 or float32."""
    x, source = site.input(0), "log_softmax/log_softmax.c"
    depth = x.shape[-1]
    params: dict[str, CValue] = {"rows": x.count // depth, "depth": depth}
    if site.is_float:
        call = CCall("xn_log_softmax", (Input(0), Output()), params, dtype="float32")
        return site.call(source, call, in_place=(0,))
    powers, scaled = tables(float(scale_of(x)))
    arguments = (Input(0), Constant("powers"), Constant("scaled"), Output())
    call = CCall("xn_log_softmax", arguments, {**params, "table_count": len(powers)}, dtype=x.dtype)
    weights = {"powers": powers, "scaled": scaled}
    return site.call(source, call, weights=weights, in_place=(0,))


def tables(scale: float) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Compute e^(-scale * d) in 12 integer bits and -scale * d in 5, by d."""
    whole = exp_table(1.0, scale)
    powers = rounding_divide_by_pot(whole.astype(np.int64), 12)
    multiplier, shift = quantize_multiplier(min(scale * (1 << 26), float(INT32_MAX)))
    differences = -np.arange(len(whole), dtype=np.int64)
    scaled = multiply_by_quantized_multiplier(differences, multiplier, shift)
    # Below -16 is the least output; with the logarithm of a sum the difference stays in 32 bits.
    return powers.astype(np.int32), np.maximum(scaled, -20 << 26).astype(np.int32)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Subtract the logarithm of the sum of e^x of a row; integers in fixed point."""
    x = inputs[0]
    most = x.max(axis=-1, keepdims=True)
    if x.dtype == np.float32:
        shifted = x.astype(np.float64) - most
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), np.float32)
    powers, scaled = (t.astype(np.int64) for t in tables(float(scale_of(node.inputs[0]))))
    differences = most.astype(np.int64) - x
    inside = np.minimum(differences, len(powers) - 1)
    is_inside = differences < len(powers)
    sums = np.where(is_inside, powers[inside], 0).sum(axis=-1, keepdims=True)
    low, high = type_range(node.output.dtype)
    found = rounding_divide_by_pot(scaled[inside] - log_of_sums(sums), 22) + high
    return np.asarray(np.where(is_inside, np.clip(found, low, high), low), x.dtype)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph with rows of up to 300 values."""
    shape = [int(v) for v in rng.integers(1, 8, int(rng.integers(1, 5)))]
    shape[-1] = int(rng.choice([1, 2, 3, 10, 100, 300]))
    b = GraphBuilder()
    x = b.input(*shape, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(*shape, dtype=dtype, quant=Quant((1 / 16,), (_ZEROS.get(dtype, 0),)))
    return b.graph(b.op("LOG_SOFTMAX", (x,), y))


OPERATORS = (
    Operator(
        kind="LOG_SOFTMAX",
        operands=(Operand("input", ARITHMETIC),),
        output=ARITHMETIC,
        rules=(kept_type, one_scale, has_dimension, log_scale, sane_scale, short_rows),
        shape=kept_shape,
        evaluate=evaluate,
        kernels=(Kernel(lower_log_softmax),),
        samples=samples(sample, ARITHMETIC),
    ),
)
