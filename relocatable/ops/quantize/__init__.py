"""QUANTIZE."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Tensor
from relocatable.ops._shared.factors import factors_below
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
from relocatable.ops._shared.types import ARITHMETIC, one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall

_BYTES = ("int8", "uint8")


def lower_quantize(site: Site) -> KernelCall:
    """Lower QUANTIZE of float32, int8 or uint8 to int8 or uint8."""
    x, y = site.input(0), site.output
    if site.is_float:
        return quantize_call(site, "xn_quantize", y)
    return lower_table(site, _rescaled(x, y, all_values(x)))


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
    multiplier, shift = quantize_multiplier(float(scale_of(x)) / float(scale_of(y)))
    return multiply_by_quantized_multiplier(values - zero_of(x), multiplier, shift) + zero_of(y)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph whose output is int8 or uint8 of another scale."""
    b = GraphBuilder()
    to = str(rng.choice(_BYTES))
    x = b.input(1, 300, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(1, 300, dtype=to, quant=random_quant(rng, to))
    return b.graph(b.op("QUANTIZE", (x,), y))


def _factors(node: Node) -> list[float]:
    x, y = node.inputs[0], node.output
    return [(1.0 if x.dtype == "float32" else float(scale_of(x))) / float(scale_of(y))]


_FACTORS = factors_below(
    30, "the input's scale, or 1 if it is float32, over the output's", _factors
)

OPERATORS = (
    Operator(
        kind="QUANTIZE",
        result="same",
        operands=(Operand("input", ARITHMETIC),),
        output=_BYTES,
        rules=(one_scale, _FACTORS),
        shape=kept_shape,
        evaluate=evaluate,
        kernels=(Kernel(lower_quantize),),
        is_view=keeps_values,
        samples=samples(sample, ARITHMETIC),
    ),
)
