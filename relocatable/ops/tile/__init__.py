"""TILE and BROADCAST_TO: values over and over."""

from __future__ import annotations

import math

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import Movement, move_sample
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Array, Operand, Rng, samples


def tile(node: Node, x: Array) -> list[Array]:
    """Repeat each dimension."""
    repeats = node.integers(1)
    if len(repeats) != x.ndim or min(repeats, default=1) < 1:
        raise ValueError(f"multiples {repeats} do not fit")
    apart = x.reshape([side for d in x.shape for side in (1, d)])
    return [
        _stretched(apart, [side for pair in zip(repeats, x.shape, strict=True) for side in pair])
    ]


def broadcast_to(node: Node, x: Array) -> list[Array]:
    """Stretch dimensions of 1."""
    return [_stretched(x, node.integers(1))]


def _stretched(x: Array, shape: list[int]) -> Array:
    # What it makes may be far more than the file: it is not to be written before it is checked.
    if math.prod(shape) > 1 << 28:
        raise ValueError(f"{shape} must have at most {1 << 28} values")
    return np.broadcast_to(x, shape)


def sample_tile(rng: Rng, dtype: str) -> Graph:
    """Make a graph that repeats up to four dimensions."""
    rank = int(rng.integers(1, 5))
    shape = rng.integers(1, 4, rank)
    repeats = rng.integers(1, 4, rank)
    return move_sample(rng, "TILE", dtype, shape, shape * repeats, (repeats,))


def sample_broadcast_to(rng: Rng, dtype: str) -> Graph:
    """Make a graph that stretches some of up to five dimensions and adds others."""
    rank = int(rng.integers(1, 6))
    output = rng.integers(1, 5, rank)
    shape = np.where(rng.random(rank) < 0.5, output, 1)[int(rng.integers(0, rank)) :]
    return move_sample(rng, "BROADCAST_TO", dtype, shape, output, (output,))


OPERATORS = (
    Movement(tile).operator(
        "TILE",
        (Operand("input", ANY), Operand("multiples", INTEGERS, constant=True)),
        samples(sample_tile, ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")),
    ),
    Movement(broadcast_to).operator(
        "BROADCAST_TO",
        (Operand("input", ANY), Operand("shape", INTEGERS, constant=True)),
        samples(
            sample_broadcast_to, ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")
        ),
    ),
)
