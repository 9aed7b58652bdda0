"""MIRROR_PAD: the input, surrounded by its own mirror images."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import MOVE, move_call, move_views, outline
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import INTEGERS, kept_scale, kept_type
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_MOST_DIMENSIONS = 8
_MOST_IN_PARTS = 3  # padded: each has three parts, and each combination is a call


def mirrored_amounts(node: Node) -> Seen:
    """paddings must be [rank, 2], rank at most 8, pad dimensions by no more than their lengths
    (REFLECT: less 1), and lead to the output's shape"""
    source, output, amounts = node.inputs[0].shape, node.output.shape, node.inputs[1]
    if amounts.shape != (len(source), 2) or len(source) > _MOST_DIMENSIONS:
        return False, f"{list(amounts.shape)} for {list(source)}"
    pairs = _amounts(node)
    less = int(node.op.attrs["mode"] == "REFLECT")
    ok = all(min(p) >= 0 and max(p) <= d - less for p, d in zip(pairs, source, strict=True))
    ok = ok and output == tuple(d + sum(p) for p, d in zip(pairs, source, strict=True))
    return ok, f"{pairs} for {list(source)} -> {list(output)}"


def _amounts(node: Node) -> list[tuple[int, int]]:
    flat = node.integers(1)
    return list(zip(flat[::2], flat[1::2], strict=True))


def lower_mirror(site: Site) -> KernelCall:
    """Lower a padding: a call for each part of the output, or one if these are many."""
    node = site.node
    if sum(any(pair) for pair in _amounts(node)) > _MOST_IN_PARTS:
        return _lower_by_values(site)
    source, target = outline(site.input(0).shape), outline(site.output.shape)
    less = int(node.op.attrs["mode"] == "REFLECT")
    axes = [
        list(_parts(length, *pair, less))
        for length, pair in zip(source.shape, _amounts(node), strict=True)
    ]
    moves = []
    for parts in product(*axes):
        read, written = source, target
        for axis, (first, start, count, step) in enumerate(parts):
            places = first + step * np.arange(count)
            read = _along(read, axis, int(places.min()), int(places.max()) + 1, step)
            written = _along(written, axis, start, start + count, 1)
        moves.append(move_views(source, read, target, written))
    return site.call(MOVE, *(move_call(site, move, 0, 0) for move in moves))


def _lower_by_values(site: Site) -> KernelCall:
    source, pairs = site.input(0).shape, _amounts(site.node)
    ones = (1,) * (_MOST_DIMENSIONS - len(source))
    params: dict[str, CValue] = {
        "in": (*ones, *source),
        "before": (*(0,) * len(ones), *(before for before, _ in pairs)),
        "out": (*ones, *site.output.shape),
        "less": int(site.node.op.attrs["mode"] == "REFLECT"),
    }
    bits = f"uint{8 * np.dtype(site.output.dtype).itemsize}"
    pointers = (Input(0, f"{bits}_t"), Output(f"{bits}_t"))
    call = CCall("xn_mirror_pad", pointers, params, dtype=bits)
    return site.call("mirror_pad/mirror_pad.c", call)


def _along(view: Array, axis: int, first: int, end: int, step: int) -> Array:
    part = view[(slice(None),) * axis + (slice(first, end),)]
    return part if step == 1 else np.flip(part, axis)


def _parts(length: int, before: int, after: int, less: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the parts of an axis: first source and target, count, source step."""
    if before:
        yield before - 1 + less, 0, before, -1
    yield 0, before, length, 1
    if after:
        yield length - 1 - less, before + length, after, -1


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Surround values with their mirror images."""
    return np.pad(
        inputs[0], inputs[1], "reflect" if node.op.attrs["mode"] == "REFLECT" else "symmetric"
    )


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph that pads some of up to five dimensions."""
    rank = int(rng.integers(1, 6))
    mode = str(rng.choice(["REFLECT", "SYMMETRIC"]))
    shape = rng.integers(1, 6, rank)
    most = shape + (mode == "SYMMETRIC")
    amounts = rng.integers(0, most[:, None], (rank, 2))
    amounts[int(rng.integers(0, rank))] *= int(rng.integers(0, 2))
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    x = b.input(*map(int, shape), dtype=dtype, quant=quant)
    y = b.tensor(*map(int, shape + amounts.sum(axis=1)), dtype=dtype, quant=quant)
    paddings = b.constant(amounts, str(rng.choice(INTEGERS)))
    return b.graph(b.op("MIRROR_PAD", (x, paddings), y, mode=mode))


OPERATORS = (
    Operator(
        kind="MIRROR_PAD",
        options=Options("MirrorPadOptions", ("mode",), {"mode": "MirrorPadMode"}),
        operands=(Operand("input", ANY), Operand("paddings", INTEGERS, constant=True)),
        output=ANY,
        rules=(kept_type, kept_scale),
        shape=mirrored_amounts,
        kernels=(Kernel(lower_mirror),),
        evaluate=evaluate,
        version=2,
        samples=samples(sample, ("int8", "uint8", "int16", "int32", "int64", "float32")),
    ),
)
