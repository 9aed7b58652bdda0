"""AVERAGE_POOL_2D."""

from __future__ import annotations

from relocatable.graph.graph import Graph
from relocatable.ops._shared.pool import (
    POOL_OPTIONS,
    POOL_RULES,
    lower_pool,
    pool_sample,
    pool_size,
)
from relocatable.ops._shared.types import ARITHMETIC
from relocatable.ops.operator import Kernel, Operand, Operator, Rng, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall


def lower_plain(site: Site) -> KernelCall:
    """Lower a pool of int8, uint8 or float32."""
    return lower_pool(site, "average_pool_2d/average_pool_2d.c", "xn_average_pool_2d")


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
        kernels=(Kernel(lower_plain),),
        samples=samples(sample, ARITHMETIC),
    ),
)
