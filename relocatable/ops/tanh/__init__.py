"""TANH."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.fixed_point import Ints
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import ARITHMETIC, exact_scale
from relocatable.ops._shared.unary import (
    UNARY_RULES,
    Floats,
    evaluate_unary,
    lower_unary,
    real_table,
    unary_sample,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall

_ZEROS = {"int8": 0, "uint8": 128}


def tanh_scale(node: Node) -> Seen:
    """an output of 8 bits must have scale 1/128 and zero point 0 (uint8: 128)"""
    return exact_scale(node.output, 1 / 128, _ZEROS)


def tanh(x: Floats) -> Floats:
    """Compute tanh, rounded once to single precision."""
    return np.tanh(x.astype(np.float64)).astype(np.float32)


def table(node: Node, values: Ints) -> Ints:
    """Compute the function of 8-bit values."""
    return real_table(node, values, tanh)


def lower_tanh(site: Site) -> KernelCall:
    """Lower TANH of int8, uint8 or float32."""
    return lower_unary(site, "XN_TANH", {}, table)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Compute the function of values."""
    return evaluate_unary(node, inputs[0], table, tanh)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph with the only scale that the output may have."""
    quant = Quant((1 / 128,), (_ZEROS[dtype],)) if dtype in _ZEROS else None
    return unary_sample(rng, "TANH", dtype, quant)


OPERATORS = (
    Operator(
        kind="TANH",
        operands=(Operand("input", ARITHMETIC),),
        output=ARITHMETIC,
        rules=(*UNARY_RULES, tanh_scale),
        shape=kept_shape,
        kernels=(Kernel(lower_tanh),),
        evaluate=evaluate,
        samples=samples(sample, ARITHMETIC),
    ),
)
