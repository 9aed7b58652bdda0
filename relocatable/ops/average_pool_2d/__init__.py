"""AVERAGE_POOL_2D."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.pool import (
    POOL_OPTIONS,
    POOL_RULES,
    evaluate_pool,
    lower_pool,
    pool_sample,
    pool_size,
)
from relocatable.ops._shared.types import ARITHMETIC
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall


def lower_plain(site: Site) -> KernelCall:
    """Lower a pool of int8, uint8 or float32."""
    return lower_pool(site, "average_pool_2d/average_pool_2d.c", "xn_average_pool_2d")


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Average what each window sees; integers round halves away from zero."""

    def mean(seen: Array) -> Array:
        found: Array = np.nanmean(seen, axis=-2)
        whole: Array = np.sign(found) * np.floor(np.abs(found) + 0.5)
        return found if inputs[0].dtype == np.float32 else whole

    return evaluate_pool(node, inputs[0], mean)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one pool."""
    return pool_sample(rng, "AVERAGE_POOL_2D", dtype)


OPERATORS = (
    Operator(
        kind="AVERAGE_POOL_2D",
        options=POOL_OPTIONS,
        operands=(Operand("input", ARITHMETIC),),
        output=ARITHMETIC,
        rules=POOL_RULES,
        shape=pool_size,
        evaluate=evaluate,
        kernels=(Kernel(lower_plain),),
        samples=samples(sample, ARITHMETIC),
    ),
)
