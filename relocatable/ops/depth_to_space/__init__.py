"""DEPTH_TO_SPACE and SPACE_TO_DEPTH: channels to squares of pixels, and back."""

from __future__ import annotations

from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import Movement, move_sample
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    Array,
    Operand,
    Operator,
    Options,
    Rng,
    Sample,
    samples,
)


def depth_to_space(node: Node, x: Array) -> list[Array]:
    """Make squares of pixels of each pixel's channels."""
    block = node.integer("block_size")
    n, h, w, c = x.shape
    if block < 1 or c % block**2:
        raise ValueError(f"{c} channels do not fit blocks of {block}")
    return [x.reshape(n, h, w, block, block, c // block**2).transpose(0, 1, 3, 2, 4, 5)]


def space_to_depth(node: Node, x: Array) -> list[Array]:
    """Make one pixel's channels of squares of pixels."""
    block = node.integer("block_size")
    n, h, w, c = x.shape
    if block < 1 or h % block or w % block:
        raise ValueError(f"{h} x {w} pixels do not fit blocks of {block}")
    apart = x.reshape(n, h // block, block, w // block, block, c)
    return [apart.transpose(0, 1, 3, 2, 4, 5)]


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        """Make a graph of blocks of up to three."""
        h, w, c, block = (int(v) for v in rng.integers(1, 4, 4))
        small, large = (1, h, w, c * block**2), (1, h * block, w * block, c)
        source, target = (small, large) if kind == "DEPTH_TO_SPACE" else (large, small)
        return move_sample(rng, kind, dtype, source, target, block_size=block)

    return sample


def _operator(kind: str, table: str, movement: Movement) -> Operator:
    return movement.operator(
        kind,
        (Operand("input", ANY),),
        samples(_sample(kind), ("int8", "uint8", "int32", "int64", "float32")),
        options=Options(table, ("block_size",)),
        version=1,
    )


OPERATORS = (
    _operator("DEPTH_TO_SPACE", "DepthToSpaceOptions", Movement(depth_to_space)),
    _operator("SPACE_TO_DEPTH", "SpaceToDepthOptions", Movement(space_to_depth)),
)
