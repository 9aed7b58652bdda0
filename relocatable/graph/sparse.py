"""Expand sparse constants, whose description is untrusted.

A sparse array is a tree of levels. The first levels go along its dimensions, in an order of their
own; the others along blocks into which some dimensions are divided. A dense level has all indices;
a compressed one has, for each node above, a segment of a list of indices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class SparseError(Exception):
    """A description that contradicts itself; the message says rule and value."""


@dataclass(frozen=True, eq=False)
class Level:
    """One level of the tree.

    Attributes:
        size: of a dense level.
        segments: where each node's indices begin, and where the last one's end; None if dense.
        indices: of a compressed level.
    """

    size: int
    segments: Ints | None = None
    indices: Ints | None = None


@dataclass(frozen=True)
class Sparsity:
    """The description of a sparse array.

    Attributes:
        order: what each level goes along: a dimension, or beyond the last one a block.
        block_map: the dimension that each block divides.
        levels: in order.
    """

    order: Sequence[int]
    block_map: Sequence[int]
    levels: Sequence[Level]


def expand(
    values: npt.NDArray[Any], shape: Sequence[int], sparsity: Sparsity, most: int
) -> npt.NDArray[Any]:
    """Make the dense array.

    Args:
        values: the stored ones, in the order of the tree's leaves.
        shape: of the dense array.
        sparsity: how they lie in it.
        most: bound of the nodes of a level; as each is described or has a value, the size of the
            file will do.

    Raises:
        SparseError: the description is wrong.
    """
    steps = _steps(shape, sparsity)
    nodes, places = np.zeros(1, np.int64), np.zeros(1, np.int64)
    for level, (size, step) in zip(sparsity.levels, steps, strict=True):
        parents, nodes, found = _descend(level, nodes, size, most)
        places = places[parents] + found * step
    if len(places) != len(values):
        raise SparseError(f"values must be as many as leaves, {len(places)}; are {len(values)}")
    dense = np.zeros(math.prod(shape), values.dtype)
    dense[places] = values
    return dense.reshape(tuple(shape))


def _steps(shape: Sequence[int], sparsity: Sparsity) -> list[tuple[int, int]]:
    """Find each level's bound of indices, and the elements that one moves."""
    order, block_map, levels = sparsity.order, sparsity.block_map, sparsity.levels
    rank = len(shape)
    whole = [*range(rank), *range(rank, rank + len(block_map))]
    if sorted(order[:rank]) + sorted(order[rank:]) != whole:
        raise SparseError(f"traversal order must be dimensions, then blocks; is {list(order)}")
    if len(levels) != len(order):
        raise SparseError(f"levels must be as many as {len(order)}; are {len(levels)}")
    if len(set(block_map)) < len(block_map) or not set(block_map) <= set(range(rank)):
        raise SparseError(f"blocks must divide different dimensions; divide {list(block_map)}")
    blocks = [1] * rank
    for i, dimension in enumerate(block_map):
        blocks[dimension] = levels[order.index(rank + i)].size
    if any(block < 1 or length % block for length, block in zip(shape, blocks, strict=True)):
        raise SparseError(f"blocks must divide {list(shape)}; are {blocks}")
    strides = [math.prod(shape[i + 1 :]) for i in range(rank)]
    found = []
    for at in order:
        dimension = at if at < rank else block_map[at - rank]
        block, stride = blocks[dimension], strides[dimension]
        found.append((shape[at] // block, stride * block) if at < rank else (block, stride))
    return found


def _descend(level: Level, nodes: Ints, size: int, most: int) -> tuple[Ints, Ints, Ints]:
    """Go down one level; return each new node's parent, number and index."""
    if level.segments is None or level.indices is None:
        if level.size != size:
            raise SparseError(f"dense level must have {size} indices; has {level.size}")
        _require_bounded(len(nodes) * size, most)
        parents = np.repeat(np.arange(len(nodes)), size)
        found = np.tile(np.arange(size), len(nodes))
        return parents, nodes[parents] * size + found, found
    segments, indices = level.segments, level.indices
    needed = int(nodes.max(initial=-1)) + 2
    if len(segments) < needed:
        raise SparseError(f"segments must be at least {needed}; are {len(segments)}")
    counts = segments[nodes + 1] - segments[nodes]
    if segments[0] < 0 or np.any(np.diff(segments) < 0) or segments[-1] > len(indices):
        raise SparseError(f"segments must rise within [0, {len(indices)}]; are {segments[:8]}")
    _require_bounded(int(counts.sum()), most)
    parents = np.repeat(np.arange(len(nodes)), counts)
    starts = np.repeat(segments[nodes] - (np.cumsum(counts) - counts), counts)
    numbers = starts + np.arange(len(parents))
    found = indices[numbers]
    if np.any((found < 0) | (found >= size)):
        raise SparseError(f"indices must be in [0, {size}); are {found[:8]}")
    return parents, numbers, found


def _require_bounded(count: int, most: int) -> None:
    if count > most:
        raise SparseError(f"nodes of a level must be at most {most}; are {count}")
