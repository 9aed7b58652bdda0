"""LOGISTIC."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.fixed_point import Ints
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import ARITHMETIC, probability_scale
from relocatable.ops._shared.unary import (
    UNARY_RULES,
    Floats,
    evaluate_unary,
    lower_unary,
    real_table,
    unary_sample,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall

_ZEROS = {"int8": -128, "uint8": 0}


def logistic(x: Floats) -> Floats:
    """Compute 1 / (1 + e^-x) as LiteRT does."""
    with np.errstate(over="ignore"):
        e = np.exp(-x.astype(np.float64)).astype(np.float32)
    return np.float32(1) / (np.float32(1) + e)


def table(node: Node, values: Ints) -> Ints:
    """Compute the function of 8-bit values."""
    return real_table(node, values, logistic)


def lower_logistic(site: Site) -> KernelCall:
    """Lower LOGISTIC of int8, uint8 or float32."""
    return lower_unary(site, "XN_LOGISTIC", {}, table)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Compute the function of values."""
    return evaluate_unary(node, inputs[0], table, logistic)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph with the only scale that the output may have."""
    quant = Quant((1 / 256,), (_ZEROS[dtype],)) if dtype in _ZEROS else None
    return unary_sample(rng, "LOGISTIC", dtype, quant)


OPERATORS = (
    Operator(
        kind="LOGISTIC",
        operands=(Operand("input", ARITHMETIC),),
        output=ARITHMETIC,
        rules=(*UNARY_RULES, probability_scale),
        shape=kept_shape,
        kernels=(Kernel(lower_logistic),),
        evaluate=evaluate,
        samples=samples(sample, ARITHMETIC),
    ),
)
