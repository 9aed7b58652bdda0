"""MAX_POOL_2D."""

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
from relocatable.targets.arm import DSP, MVE_I


def lower_dsp(site: Site) -> KernelCall:
    """Lower a pool of bytes for the DSP extension."""
    return lower_pool(site, "max_pool_2d/max_pool_2d_dsp.c", "xn_max_pool_2d_dsp")


def lower_plain(site: Site) -> KernelCall:
    """Lower a pool of int8, uint8 or float32."""
    return lower_pool(site, "max_pool_2d/max_pool_2d.c", "xn_max_pool_2d")


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Find the greatest value of each window."""
    return evaluate_pool(node, inputs[0], lambda seen: np.nanmax(seen, axis=-2))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one pool."""
    return pool_sample(rng, "MAX_POOL_2D", dtype)


OPERATORS = (
    Operator(
        kind="MAX_POOL_2D",
        options=POOL_OPTIONS,
        operands=(Operand("input", ARITHMETIC),),
        output=ARITHMETIC,
        rules=POOL_RULES,
        shape=pool_size,
        evaluate=evaluate,
        kernels=(
            Kernel(lower_dsp, needs=(DSP,), without=(MVE_I,), takes=lambda site: not site.is_float),
            Kernel(lower_plain),
        ),
        samples=samples(sample, ARITHMETIC),
    ),
)
