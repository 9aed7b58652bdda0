"""L2_POOL_2D."""

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
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall

_TYPES = ("float32",)


def lower_plain(site: Site) -> KernelCall:
    """Lower a pool of float32."""
    return lower_pool(site, "l2_pool_2d/l2_pool_2d.c", "xn_l2_pool_2d")


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Compute the root of the mean square of each window."""
    return evaluate_pool(node, inputs[0], lambda seen: np.sqrt(np.nanmean(seen**2, axis=-2)))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one pool."""
    return pool_sample(rng, "L2_POOL_2D", dtype)


OPERATORS = (
    Operator(
        kind="L2_POOL_2D",
        options=POOL_OPTIONS,
        operands=(Operand("input", _TYPES),),
        output=_TYPES,
        rules=POOL_RULES,
        shape=pool_size,
        evaluate=evaluate,
        kernels=(Kernel(lower_plain),),
        version=1,
        samples=samples(sample, _TYPES),
    ),
)
