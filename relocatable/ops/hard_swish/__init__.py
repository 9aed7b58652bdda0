"""HARD_SWISH."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.factors import factors_below
from relocatable.ops._shared.fixed_point import (
    Ints,
    quantize_multiplier,
    rounding_divide_by_pot,
    scale_of,
    zero_of,
)
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import ARITHMETIC
from relocatable.ops._shared.unary import UNARY_RULES, evaluate_unary, lower_unary
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall


def table(node: Node, values: Ints) -> Ints:
    """Compute x * relu6(x + 3) / 6 in LiteRT's 16-bit arithmetic."""
    x, y = node.inputs[0], node.output
    fine = np.float32(1 / 128) * scale_of(x)
    out_multiplier, out_shift = quantize_multiplier(float(fine / scale_of(y)))
    gate_multiplier, gate_shift = quantize_multiplier(
        float(fine / (np.float32(3) / np.float32(32768)))
    )
    value = (values - zero_of(x)) * 128
    scaled = _times16(value, _top16(out_multiplier))
    gate = value
    if gate_shift > 0:
        gate = _saturate16(gate << (gate_shift - 1))
    gate = _times16(gate, _top16(gate_multiplier))
    if gate_shift > 0:
        gate = _saturate16(gate << 1)
    if gate_shift < 0:
        gate = rounding_divide_by_pot(gate, -gate_shift)
    gate = (gate + (1 << 15)) >> 1
    product = gate * scaled
    product = np.sign(product) * (np.abs(product) >> 15)
    return rounding_divide_by_pot(product, -out_shift) + zero_of(y)


def _top16(multiplier: int) -> int:
    """Round a 31-bit multiplier to 15 bits."""
    return (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF8000 else 0x7FFF


def _times16(a: Ints, b: int) -> Ints:
    return _saturate16((a * b + (1 << 14)) >> 15)


def _saturate16(x: Ints) -> Ints:
    return np.clip(x, -(1 << 15), (1 << 15) - 1)


def lower_hard_swish(site: Site) -> KernelCall:
    """Lower HARD_SWISH of int8, uint8 or float32."""
    return lower_unary(site, "XN_HARD_SWISH", {}, table)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Compute x * relu6(x + 3) / 6."""
    three, six = np.float32(3), np.float32(6)
    return evaluate_unary(
        node, inputs[0], table, lambda x: x * np.clip(x + three, np.float32(0), six) / six
    )


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph whose output scale LiteRT takes: at least 1/128 of the input's."""
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    x = b.input(1, 256, dtype=dtype, quant=quant)
    if quant is not None:
        scale = float(np.float32(quant.scale[0] * rng.uniform(0.05, 1.5)))
        quant = Quant((scale,), (random_quant(rng, dtype) or quant).zero_point)
    y = b.tensor(1, 256, dtype=dtype, quant=quant)
    return b.graph(b.op("HARD_SWISH", (x,), y))


def _factor(node: Node) -> list[np.float32]:
    return [scale_of(node.inputs[0]) / scale_of(node.output)]


_FACTOR = factors_below(7, "the input's scale over the output's", _factor)


def swish_scales(node: Node) -> Seen:
    """8-bit input must have a scale in [2^-20, 2^20], at least 2^-8 of the output's"""
    if not node.quantized:
        return True, ""
    x, y = (float(scale_of(t)) for t in (node.inputs[0], node.output))
    return 2.0**-20 <= x <= 2.0**20 and x / y >= 2.0**-8, f"{x:g} and {y:g}"


OPERATORS = (
    Operator(
        kind="HARD_SWISH",
        operands=(Operand("input", ARITHMETIC),),
        output=ARITHMETIC,
        rules=(*UNARY_RULES, _FACTOR, swish_scales),
        shape=kept_shape,
        kernels=(Kernel(lower_hard_swish),),
        evaluate=evaluate,
        version=1,
        samples=samples(sample, ARITHMETIC),
    ),
)
