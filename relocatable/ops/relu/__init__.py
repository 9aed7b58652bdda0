"""RELU and its kin: clamps."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.factors import clamp_steps, factors_below, kept_ratio
from relocatable.ops._shared.fixed_point import (
    Ints,
    float_clamp,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    quantized_clamp,
    scale_of,
    zero_of,
)
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.slopes_16 import lower_slopes
from relocatable.ops._shared.types import ARITHMETIC, ARITHMETIC_16
from relocatable.ops._shared.unary import UNARY_RULES, evaluate_unary, lower_unary, unary_sample
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Sample, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall


def table(node: Node, values: Ints) -> Ints:
    """Rescale stored values and clamp them."""
    x, y = node.inputs[0], node.output
    multiplier, shift = quantize_multiplier(float(scale_of(x) / scale_of(y)))
    scaled = multiply_by_quantized_multiplier(values - zero_of(x), multiplier, shift)
    return np.clip(scaled + zero_of(y), *quantized_clamp(node.op.kind, y))


def lower_relu(site: Site) -> KernelCall:
    """Lower a clamp of any type."""
    if site.output.dtype == "int16":
        [ratio] = map(float, kept_ratio(site.node))
        return lower_slopes(site, (ratio, ratio), quantized_clamp(site.op.kind, site.output))
    low, high = float_clamp(site.op.kind)
    return lower_unary(site, "XN_RELU", {"low": low, "high": high}, table)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Clamp values."""
    low, high = (np.float32(v) for v in float_clamp(node.op.kind))
    return evaluate_unary(node, inputs[0], table, lambda x: np.clip(x, low, high))


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        return unary_sample(rng, kind, dtype)

    return sample


_RATIO = factors_below(30, "the input's scale over the output's", kept_ratio)

OPERATORS = tuple(
    Operator(
        kind=kind,
        operands=(Operand("input", types),),
        output=types,
        rules=(*UNARY_RULES, _RATIO, clamp_steps),
        shape=kept_shape,
        kernels=(Kernel(lower_relu),),
        evaluate=evaluate,
        version=1 if "TO" in kind else 2,
        samples=samples(_sample(kind), types),
    )
    for kind, types in (
        ("RELU", ARITHMETIC_16),
        ("RELU6", ARITHMETIC_16),
        ("RELU_N1_TO_1", ARITHMETIC),
        ("RELU_0_TO_1", ARITHMETIC),
    )
)
