"""TRANSPOSE and REVERSE_V2: dimensions in another order, or backwards."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import Movement, move_sample
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Array, Operand, Rng, samples


def transpose(node: Node, x: Array) -> list[Array]:
    """Exchange dimensions."""
    return [np.transpose(x, node.integers(1))]


def reverse(node: Node, x: Array) -> list[Array]:
    """Turn dimensions round."""
    return [np.flip(x, tuple(node.integers(1)))]


def sample_transpose(rng: Rng, dtype: str) -> Graph:
    """Make a graph of any order of up to six dimensions."""
    rank = int(rng.integers(1, 7))
    shape = [int(v) for v in rng.integers(1, 5, rank)]
    perm = [int(p) for p in rng.permutation(rank)]
    return move_sample(rng, "TRANSPOSE", dtype, shape, [shape[p] for p in perm], (perm,))


def sample_reverse(rng: Rng, dtype: str) -> Graph:
    """Make a graph that turns neighbouring dimensions round, as LiteRT has it."""
    rank = int(rng.integers(1, 5))
    shape = [int(v) for v in rng.integers(1, 6, rank)]
    first, last = sorted(int(v) for v in rng.integers(0, rank, 2))
    return move_sample(rng, "REVERSE_V2", dtype, shape, shape, (list(range(first, last + 1)),))


_SAMPLED = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")

OPERATORS = (
    Movement(transpose).operator(
        "TRANSPOSE",
        (Operand("input", ANY), Operand("perm", INTEGERS, constant=True)),
        samples(sample_transpose, _SAMPLED),
        version=4,
    ),
    Movement(reverse).operator(
        "REVERSE_V2",
        (Operand("input", ANY), Operand("axis", INTEGERS, constant=True)),
        samples(sample_reverse, _SAMPLED),
        version=3,
    ),
)
