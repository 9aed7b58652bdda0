"""TRANSPOSE and REVERSE_V2: dimensions in another order, or backwards."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import Movement
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Array, Kernel, Operand, Operator, Rng, samples


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
    return _graph(rng, "TRANSPOSE", dtype, shape, perm, [shape[p] for p in perm])


def sample_reverse(rng: Rng, dtype: str) -> Graph:
    """Make a graph that turns neighbouring dimensions round, as LiteRT has it."""
    rank = int(rng.integers(1, 5))
    shape = [int(v) for v in rng.integers(1, 6, rank)]
    first, last = sorted(int(v) for v in rng.integers(0, rank, 2))
    return _graph(rng, "REVERSE_V2", dtype, shape, list(range(first, last + 1)), shape)


def _graph(
    rng: Rng, kind: str, dtype: str, source: list[int], constant: list[int], output: list[int]
) -> Graph:
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    x = b.input(*source, dtype=dtype, quant=quant)
    y = b.tensor(*output, dtype=dtype, quant=quant)
    return b.graph(b.op(kind, (x, b.constant(constant)), y))


_TRANSPOSE, _REVERSE = Movement(transpose), Movement(reverse)
_SAMPLED = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")

OPERATORS = (
    Operator(
        kind="TRANSPOSE",
        operands=(Operand("input", ANY), Operand("perm", INTEGERS, constant=True)),
        output=ANY,
        rules=(_TRANSPOSE.keeps_type,),
        shape=_TRANSPOSE.takes,
        kernels=(Kernel(_TRANSPOSE.lower),),
        evaluate=_TRANSPOSE.evaluate,
        folds="constants",
        is_view=_TRANSPOSE.keeps_all,
        version=4,
        samples=samples(sample_transpose, _SAMPLED),
    ),
    Operator(
        kind="REVERSE_V2",
        operands=(Operand("input", ANY), Operand("axis", INTEGERS, constant=True)),
        output=ANY,
        rules=(_REVERSE.keeps_type,),
        shape=_REVERSE.takes,
        kernels=(Kernel(_REVERSE.lower),),
        evaluate=_REVERSE.evaluate,
        folds="constants",
        is_view=_REVERSE.keeps_all,
        version=3,
        samples=samples(sample_reverse, _SAMPLED),
    ),
)
