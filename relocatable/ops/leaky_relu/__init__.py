"""LEAKY_RELU."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.factors import factors_below
from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.slopes_16 import lower_slopes
from relocatable.ops._shared.types import ARITHMETIC_16
from relocatable.ops._shared.unary import UNARY_RULES, evaluate_unary, lower_unary, unary_sample
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall


def finite_alpha(node: Node) -> Seen:
    """alpha must be finite"""
    alpha = node.number("alpha")
    return bool(np.isfinite(alpha)), str(alpha)


def _factors(node: Node) -> tuple[float, float]:
    """Compute the factors of values from zero on and below, in single precision."""
    x, y, alpha = node.inputs[0], node.output, np.float32(node.number("alpha"))
    return float(scale_of(x) / scale_of(y)), float(scale_of(x) * alpha / scale_of(y))


def table(node: Node, values: Ints) -> Ints:
    """Rescale stored values, those below zero by another factor."""
    x, y = node.inputs[0], node.output
    up, below = (quantize_multiplier(factor) for factor in _factors(node))
    down, down_shift = below
    value = values - zero_of(x)
    negative = multiply_by_quantized_multiplier(value, abs(down), down_shift) * np.sign(down)
    return np.where(value >= 0, multiply_by_quantized_multiplier(value, *up), negative) + zero_of(y)


def lower_leaky_relu(site: Site) -> KernelCall:
    """Lower LEAKY_RELU of any type."""
    if site.output.dtype == "int16":
        return lower_slopes(site, _factors(site.node), type_range("int16"))
    alpha = np.float32(site.float_attr("alpha"))
    return lower_unary(site, "XN_LEAKY_RELU", {"alpha": alpha}, table)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Scale what is below zero."""
    alpha = np.float32(node.number("alpha"))
    return evaluate_unary(node, inputs[0], table, lambda x: np.where(x > 0, x, x * alpha))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph with a slope of any sign."""
    alpha = float(np.float32(rng.choice([0.01, 0.1, 0.3, 1.5, 0.0, -0.2])))
    return unary_sample(rng, "LEAKY_RELU", dtype, alpha=alpha)


_FACTORS = factors_below(30, "the input's scale over the output's, and alpha times it,", _factors)

OPERATORS = (
    Operator(
        kind="LEAKY_RELU",
        options=Options("LeakyReluOptions", ("alpha",)),
        operands=(Operand("input", ARITHMETIC_16),),
        output=ARITHMETIC_16,
        rules=(*UNARY_RULES, finite_alpha, _FACTORS),
        shape=kept_shape,
        kernels=(Kernel(lower_leaky_relu),),
        evaluate=evaluate,
        samples=samples(sample, ARITHMETIC_16),
    ),
)
