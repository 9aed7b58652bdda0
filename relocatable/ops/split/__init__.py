"""SPLIT, SPLIT_V and UNPACK: several outputs, one behind the other along an axis."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import Movement
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    MANY,
    Array,
    Operand,
    Operator,
    Options,
    Rng,
    Sample,
    samples,
)


def split(node: Node, x: Array) -> list[Array]:
    """Cut into equal parts."""
    [axis] = node.integers(0)
    return np.split(x, len(node.outputs), axis)


def split_v(node: Node, x: Array) -> list[Array]:
    """Cut into parts of these sizes; -1 is all that is left."""
    sizes, [axis] = node.integers(1), node.integers(2)
    rest = x.shape[axis] - sum(size for size in sizes if size != -1)
    sizes = [rest if size == -1 else size for size in sizes]
    if min(sizes) < 0 or sum(sizes) != x.shape[axis] or len(sizes) != len(node.outputs):
        raise ValueError(f"sizes {sizes} along {axis} do not fit")
    return np.split(x, np.cumsum(sizes)[:-1], axis)


def unpack(node: Node, x: Array) -> list[Array]:
    """Cut into parts of one index each, without that dimension."""
    axis = node.integer("axis")
    if x.shape[axis] != len(node.outputs):
        raise ValueError(f"dimension {axis} must have {len(node.outputs)}; has {x.shape[axis]}")
    return [np.moveaxis(x, axis, 0)[i, ...] for i in range(len(node.outputs))]


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        """Make a graph that cuts along any axis of up to four dimensions."""
        rank = int(rng.integers(1, 5))
        shape = [int(v) for v in rng.integers(1, 6, rank)]
        axis = int(rng.integers(-rank, rank))
        parts = int(rng.integers(1, 5))
        sizes = [int(v) for v in rng.integers(1, 4, parts)]
        if kind != "SPLIT_V":
            sizes = [1 if kind == "UNPACK" else sizes[0]] * parts
        shape[axis] = sum(sizes)
        b = GraphBuilder()
        quant = random_quant(rng, dtype)
        x = b.input(*shape, dtype=dtype, quant=quant)
        cut = [[*shape] for _ in sizes]
        for part, size in zip(cut, sizes, strict=True):
            part[axis] = size
            if kind == "UNPACK":
                del part[axis]
        outputs = [b.tensor(*part, dtype=dtype, quant=quant) for part in cut]
        if kind == "SPLIT":
            b.op(kind, (b.constant(axis), x), *outputs, num_splits=parts)
        elif kind == "UNPACK":
            b.op(kind, (x,), *outputs, num=parts, axis=axis)
        else:
            if rng.random() < 0.5:
                sizes[int(rng.integers(parts))] = -1
            b.op(kind, (x, b.constant(sizes), b.constant(axis)), *outputs, num_splits=parts)
        return b.graph(*outputs)

    return sample


_AXIS = Operand("axis", INTEGERS, constant=True)
_SIZES = Operand("sizes", INTEGERS, constant=True)
_INPUT = Operand("input", ANY)
_SAMPLED = ("int8", "uint8", "int16", "int32", "float32")


def _operator(
    kind: str, movement: Movement, table: str, fields: tuple[str, ...], *operands: Operand
) -> Operator:
    return movement.operator(
        kind,
        operands,
        samples(_sample(kind), _SAMPLED),
        options=Options(table, fields),
        outputs=(1, MANY),
    )


OPERATORS = (
    _operator("SPLIT", Movement(split, 1), "SplitOptions", ("num_splits",), _AXIS, _INPUT),
    _operator(
        "SPLIT_V", Movement(split_v), "SplitVOptions", ("num_splits",), _INPUT, _SIZES, _AXIS
    ),
    _operator("UNPACK", Movement(unpack), "UnpackOptions", ("num", "axis"), _INPUT),
)
