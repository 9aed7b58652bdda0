"""SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND: every n-th pixel as an image, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import MOVE, Loop, Move, move_call, move_views, outline
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import INTEGERS, kept_scale, kept_type
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    Array,
    Kernel,
    Operand,
    Operator,
    Rng,
    Sample,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall
from relocatable.steps.kernel_call import KernelCall

_MOST_CALLS = 64


def blocks(node: Node) -> Seen:
    """block sizes must be one constant for each of some dimensions after the first, above 0, their
    product at most 64, and rank at most 8; crops or paddings a pair for each, not below 0"""
    source, block, pads = (t.shape for t in node.inputs)
    text = f"{list(source)} by {list(block)} with {list(pads)}"
    if len(block) != 1 or pads != (block[0], 2) or not block[0] < len(source) <= 8:
        return False, text
    sizes = node.integers(1)
    ok = min(sizes, default=1) >= 1 and math.prod(sizes) <= _MOST_CALLS
    return ok and min(node.integers(2), default=0) >= 0, f"{sizes} with {node.integers(2)}"


def batched_shape(node: Node) -> Seen:
    """shapes must follow from block sizes and paddings"""
    return _shapes_fit(node, node.output.shape, node.inputs[0].shape)


def spatial_shape(node: Node) -> Seen:
    """shapes must follow from block sizes and crops"""
    return _shapes_fit(node, node.inputs[0].shape, node.output.shape)


def _shapes_fit(node: Node, many: tuple[int, ...], one: tuple[int, ...]) -> Seen:
    """Compare the shape of the many images with that of what they are parts of."""
    block, pads = node.integers(1), node.integers(2)
    text = f"{list(node.inputs[0].shape)} -> {list(node.output.shape)} by {block}, {pads}"
    n = len(block)
    if len(many) != len(one) or len(one) <= n:
        return False, text
    wide = [d + sum(pads[2 * i : 2 * i + 2]) for i, d in enumerate(one[1 : n + 1])]
    whole = (math.prod(block) * one[0], *wide, *one[n + 1 :])
    from_many = (many[0], *(d * b for d, b in zip(many[1:], block, strict=False)), *many[n + 1 :])
    return whole == from_many, text


def _pairs(node: Node, many: Array, one: Array) -> Iterator[tuple[Array, Array]]:
    """Yield, for each offset in a block, the views that hold the same values."""
    block, pads = node.integers(1), node.integers(2)
    images = len(one)
    for k, offsets in enumerate(np.ndindex(*block)):
        few, wide = many[k * images : (k + 1) * images], one
        for axis, (offset, step) in enumerate(zip(offsets, block, strict=True), 1):
            shift = pads[2 * axis - 2] - offset  # pixel i of the part is i * step - shift
            first = max(0, -(-shift // step))
            end = max(first, min(few.shape[axis], -(-(one.shape[axis] + shift) // step)))
            lead = (slice(None),) * axis
            few = few[(*lead, slice(first, end))]
            start = first * step - shift
            wide = wide[(*lead, slice(start, max(start, end * step - shift), step))]
        if few.size:
            yield few, wide


def lower_space_to_batch(site: Site) -> KernelCall:
    """Lower a split: values outside of the input first, then a call for each offset."""
    node = site.node
    one, many = outline(site.input(0).shape), outline(site.output.shape)
    moves = [move_views(one, wide, many, few) for few, wide in _pairs(node, many, one)]
    calls = [move_call(site, move, 0, 0) for move in moves]
    if not any(node.integers(2)):
        return site.call(MOVE, *calls)
    bits = np.dtype(f"uint{8 * np.dtype(site.output.dtype).itemsize}")
    fill = _fill(node).reshape(1).view(bits)
    return site.call(MOVE, _fill_call(site), *calls, weights={"fill": fill})


def _fill(node: Node) -> Array:
    quant = node.output.quant
    return np.array(quant.zero_point[0] if quant else 0, node.output.dtype)


def _fill_call(site: Site) -> CCall:
    """Make the call that repeats the constant `fill`."""
    return move_call(site, Move(0, 0, (Loop(site.output.count, 0, 1),)), "fill", 0)


def lower_batch_to_space(site: Site) -> KernelCall:
    """Lower a join: a call for each offset."""
    many, one = outline(site.input(0).shape), outline(site.output.shape)
    moves = [move_views(many, few, one, wide) for few, wide in _pairs(site.node, many, one)]
    return site.call(MOVE, *(move_call(site, move, 0, 0) for move in moves))


def split(node: Node, inputs: list[Array]) -> Array:
    """Split an image into every n-th pixel."""
    many = np.full(node.output.shape, _fill(node))
    for few, wide in _pairs(node, many, inputs[0]):
        few[...] = wide
    return many


def join(node: Node, inputs: list[Array]) -> Array:
    """Put images together, pixel by pixel."""
    one = np.empty(node.output.shape, inputs[0].dtype)
    for few, wide in _pairs(node, inputs[0], one):
        wide[...] = few
    return one


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        """Make a graph of one or two dimensions of blocks, some padded."""
        n = int(rng.integers(1, 3))
        block, images, rest = (
            rng.integers(1, 4, n),
            int(rng.integers(1, 3)),
            int(rng.integers(1, 4)),
        )
        parts = rng.integers(1, 5, n)
        whole = parts * block
        before = rng.integers(0, np.minimum(3, whole))
        after = rng.integers(0, np.minimum(3, whole - before))
        one = [images, *map(int, whole - before - after), rest]
        many = [images * int(np.prod(block)), *map(int, parts), rest]
        b = GraphBuilder()
        quant = random_quant(rng, dtype)
        source, target = (one, many) if kind == "SPACE_TO_BATCH_ND" else (many, one)
        x = b.input(*source, dtype=dtype, quant=quant)
        y = b.tensor(*target, dtype=dtype, quant=quant)
        pads = b.constant(np.stack([before, after], axis=1))
        return b.graph(b.op(kind, (x, b.constant(block), pads), y))

    return sample


def _operator(
    kind: str,
    pads: str,
    shape: Callable[[Node], Seen],
    lower: Callable[[Site], KernelCall],
    evaluate: Callable[[Node, list[Array]], Array],
) -> Operator:
    return Operator(
        kind=kind,
        operands=(
            Operand("input", ANY),
            Operand("block sizes", INTEGERS, constant=True),
            Operand(pads, INTEGERS, constant=True),
        ),
        output=ANY,
        rules=(kept_type, kept_scale, blocks),
        shape=shape,
        kernels=(Kernel(lower),),
        evaluate=evaluate,
        version=2,
        samples=samples(_sample(kind), ("int8", "uint8", "int16", "int32", "int64", "float32")),
    )


OPERATORS = (
    _operator("SPACE_TO_BATCH_ND", "paddings", batched_shape, lower_space_to_batch, split),
    _operator("BATCH_TO_SPACE_ND", "crops", spatial_shape, lower_batch_to_space, join),
)
