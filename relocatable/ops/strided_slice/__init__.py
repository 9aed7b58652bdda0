"""STRIDED_SLICE and SLICE: a part of the input, by NumPy's rules.

Where a SLICE begins may be computed. A part that would not fit begins as near to that as it can;
LiteRT ends with an error, or reads what is outside.
"""

from __future__ import annotations

from dataclasses import replace
from types import EllipsisType

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import Movement, move_sample
from relocatable.ops._shared.part import MOST_DIMENSIONS, part_params
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Sample,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CPointer, Input, Output
from relocatable.steps.kernel_call import KernelCall

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


def begins_anywhere(site: Site) -> bool:
    """Tell whether where it begins is computed."""
    return site.input(1).data is None


def part_shape(node: Node) -> Seen:
    """each output must have the shape that the options and constants say, and must be moved as at
    most 8 runs of neighbours; where begin is computed, begin and size must be of one
    type, and sizes those of the output, none longer than the input, of at most 8 dimensions"""
    if node.inputs[1].data is not None:
        return _SLICE.takes(node)
    whole, part, sizes = node.inputs[0].shape, node.output.shape, node.integers(2)
    ok = len(whole) <= MOST_DIMENSIONS and len(part) == len(whole) and list(part) == sizes
    types = node.inputs[1].dtype, node.inputs[2].dtype
    ok = ok and node.inputs[1].shape == (len(whole),) and len(set(types)) == 1
    text = f"{list(whole)} -> {list(part)}, size {sizes}, {' and '.join(types)}"
    return ok and all(p <= w for p, w in zip(part, whole, strict=True)), text


def lower_anywhere(site: Site) -> KernelCall:
    """Lower the copies, of values of any type of one width."""
    params = part_params(site.input(0), site.output, site.input(1))
    bits = f"uint{8 * np.dtype(site.output.dtype).itemsize}"
    pointers: list[CPointer] = [Input(0, f"{bits}_t"), Input(1, "int32_t"), Output(f"{bits}_t")]
    call = CCall("xn_slice", pointers, params, dtype=bits)
    return site.call("strided_slice/slice.c", call, inputs=(0, 1))


def evaluate_slice(node: Node, inputs: list[Array]) -> Array:
    """Cut the part out."""
    x, part = inputs[0], node.output.shape
    triples = zip(inputs[1].tolist(), part, x.shape, strict=True)
    starts = [min(max(0, start), whole - size) for start, size, whole in triples]
    return x[tuple(slice(a, a + size) for a, size in zip(starts, part, strict=True))]


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        """Make a graph that takes a part, not empty, of up to four dimensions."""
        shape = [int(v) for v in rng.integers(1, 7, int(rng.integers(1, 5)))]
        if kind == "SLICE" and rng.random() < 0.3:
            return _random_anywhere(rng, dtype, shape)
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


def _random_anywhere(rng: Rng, dtype: str, shape: list[int]) -> Graph:
    part = [int(rng.integers(1, size + 1)) for size in shape]
    quant = random_quant(rng, dtype)
    b = GraphBuilder()
    index = str(rng.choice(INTEGERS))
    inputs = [b.input(*shape, dtype=dtype, quant=quant), b.input(len(shape), dtype=index)]
    inputs.append(b.constant(np.array(part), index))
    return b.graph(b.op("SLICE", inputs, b.tensor(*part, dtype=dtype, quant=quant)))


def _places(node: Node) -> int:
    """Count the places that all dimensions have: LiteRT refuses others."""
    pairs = zip(node.inputs[0].shape, node.output.shape, strict=True)
    return min(whole - part + 1 for whole, part in pairs)


_VIEWS = {"STRIDED_SLICE": strided_slice, "SLICE": slice_of}
_SAMPLED = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")

_SLICE = Movement(slice_of)

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
    Operator(
        kind="SLICE",
        operands=(
            Operand("input", ANY),
            Operand("begin", INTEGERS, below=_places),
            Operand("size", INTEGERS, constant=True),
        ),
        output=ANY,
        rules=(_SLICE.keeps_type,),
        shape=part_shape,
        kernels=(Kernel(lower_anywhere, takes=begins_anywhere), Kernel(_SLICE.lower)),
        evaluate=evaluate_slice,
        folds="constants",
        is_view=lambda node: node.inputs[1].data is not None and _SLICE.keeps_all(node),
        version=2,
        samples=samples(_sample("SLICE"), _SAMPLED),
    ),
)
