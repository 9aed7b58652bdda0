"""STRIDED_SLICE and SLICE: a part of the input, by NumPy's rules."""

from __future__ import annotations

from dataclasses import replace
from types import EllipsisType

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import Movement, move_sample
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    Array,
    Operand,
    Options,
    Rng,
    Sample,
    samples,
)

_Index = slice | int | EllipsisType | None
_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


def strided_slice(node: Node, x: Array) -> list[Array]:
    """Cut a part out; the masks say how begin, end and strides are read."""
    begin, end, strides = (node.integers(i) for i in (1, 2, 3))
    if not len(begin) == len(end) == len(strides) or 0 in strides:
        raise ValueError(f"begin {begin}, end {end} and strides {strides} do not fit")
    triples = zip(begin, end, strides, strict=True)
    index = [_index(node, i, *triple) for i, triple in enumerate(triples)]
    return [x[tuple(index if ... in index else [*index, ...])]]  # a view, never a single value


def _index(node: Node, i: int, first: int, end: int, step: int) -> _Index:
    begin_mask, end_mask, ellipsis, new_axis, shrink = (
        node.integer(mask) >> i & 1 for mask in _MASKS
    )
    if ellipsis:
        return ...
    if new_axis:
        return None
    if shrink:
        return 0 if begin_mask else first
    if node.op.attrs["offset"]:
        end += first  # of the end's own sign, as in LiteRT
    return slice(None if begin_mask else first, None if end_mask else end, step)


def slice_of(node: Node, x: Array) -> list[Array]:
    """Cut a part out of the sizes; -1 is all that is left."""
    begin, sizes = node.integers(1), node.integers(2)
    if not len(begin) == len(sizes) == x.ndim:
        raise ValueError(f"begin {begin} and size {sizes} do not fit")
    ends = [x.shape[i] if size == -1 else begin[i] + size for i, size in enumerate(sizes)]
    inside = all(0 <= a <= b <= d for a, b, d in zip(begin, ends, x.shape, strict=True))
    if not inside:
        raise ValueError(f"begin {begin} and size {sizes} are not inside")
    return [x[tuple(slice(a, b) for a, b in zip(begin, ends, strict=True))]]


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        """Make a graph that takes a part, not empty, of up to four dimensions."""
        shape = [int(v) for v in rng.integers(1, 7, int(rng.integers(1, 5)))]
        while True:
            graph = (_random_strided if kind == "STRIDED_SLICE" else _random_slice)(
                rng, dtype, shape
            )
            [view] = _VIEWS[kind](Node.of(graph, graph.ops[0]), np.empty(shape, np.int8))
            if view.size:
                tensors = (*graph.tensors[:-1], replace(graph.tensors[-1], shape=view.shape))
                return replace(graph, tensors=tensors)

    return sample


def _random_strided(rng: Rng, dtype: str, shape: list[int]) -> Graph:
    dims = np.array(shape)
    first = rng.integers(-dims, dims)
    masks = {mask: int(rng.integers(16)) if rng.random() < 0.3 else 0 for mask in _MASKS}
    masks["ellipsis_mask"] = masks["new_axis_mask"] = 0
    shrink = (masks["shrink_axis_mask"] >> np.arange(dims.size)) & 1
    strides = np.where(shrink, 1, rng.choice([1, 1, 2, 3, -1, -2], dims.size))
    end = np.where(shrink, first + 1, rng.integers(-dims - 1, dims + 2))
    constants = (first, end, strides)
    return move_sample(rng, "STRIDED_SLICE", dtype, shape, (), constants, **masks, offset=False)


def _random_slice(rng: Rng, dtype: str, shape: list[int]) -> Graph:
    begin = rng.integers(0, shape)
    sizes = rng.integers(1, np.array(shape) - begin + 1)
    sizes[(begin + sizes == shape) & (rng.random(begin.size) < 0.5)] = -1
    return move_sample(rng, "SLICE", dtype, shape, (), (begin, sizes))


_VIEWS = {"STRIDED_SLICE": strided_slice, "SLICE": slice_of}
_SAMPLED = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")

OPERATORS = (
    Movement(strided_slice).operator(
        "STRIDED_SLICE",
        (
            Operand("input", ANY),
            Operand("begin", INTEGERS, constant=True, may_be_empty=True),
            Operand("end", INTEGERS, constant=True, may_be_empty=True),
            Operand("strides", INTEGERS, constant=True, may_be_empty=True),
        ),
        samples(_sample("STRIDED_SLICE"), _SAMPLED),
        options=Options("StridedSliceOptions", (*_MASKS, "offset")),
        version=4,
    ),
    Movement(slice_of).operator(
        "SLICE",
        (
            Operand("input", ANY),
            Operand("begin", INTEGERS, constant=True),
            Operand("size", INTEGERS, constant=True),
        ),
        samples(_sample("SLICE"), _SAMPLED),
    ),
)
