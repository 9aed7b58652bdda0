"""What operators with broadcast share: rules, shapes that kernels walk, samples."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.factors import clamp_steps
from relocatable.ops._shared.images import fused_activation, random_activation
from relocatable.ops._shared.random import random_input, random_quant
from relocatable.ops._shared.types import one_scale, one_type
from relocatable.ops.node import Node
from relocatable.ops.operator import Rng, Seen
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

BINARY_RULES = (one_type, one_scale, fused_activation, clamp_steps)


def stretched_shapes(node: Node) -> Seen:
    """inputs must be of the output's shape, or stretch to it by NumPy's rules: then with at most 4
    dimensions"""
    a, b = (t.shape for t in node.inputs)
    text = f"{list(a)} and {list(b)} -> {list(node.output.shape)}"
    try:
        shape = np.broadcast_shapes(a, b)
    except ValueError:
        return False, text
    return shape == node.output.shape and (a == b or len(shape) <= 4), text


def broadcast_call(site: Site, source: str, function: str, params: dict[str, CValue]) -> KernelCall:
    """Make the call of a kernel that walks two operands together."""
    fields: dict[str, CValue] = {"shape": _broadcast_fields(site), **params}
    call = CCall(function, (Input(0), Input(1), Output()), fields, dtype=site.output.dtype)
    same = [i for i in (0, 1) if site.input(i).shape == site.output.shape]
    macs, rows = site.output.count, site.value_rows
    return site.call(source, call, inputs=(0, 1), in_place=same, macs=macs, rows=rows)


def _broadcast_fields(site: Site) -> CValue:
    """Fill in xn_broadcast's fields; neighbouring dimensions that move alike are one."""
    if site.value_rows is not None:
        once = (0, 0, 0, 1)
        return {"size": (1, 1, 1, site.count), "a_stride": once, "b_stride": once}
    out = site.output.shape
    strides = [_strides(site.input(i).shape, len(out)) for i in (0, 1)]
    merged: list[tuple[int, int, int]] = []  # size and strides, innermost last
    for size, a, b in zip(out, *strides, strict=True):
        if size == 1:
            continue
        if merged and merged[-1][1] == a * size and merged[-1][2] == b * size:
            merged[-1] = (merged[-1][0] * size, a, b)
        else:
            merged.append((size, a, b))
    padded = [(1, 0, 0)] * (4 - len(merged)) + merged
    sizes, a_strides, b_strides = zip(*padded, strict=True)
    return {"size": sizes, "a_stride": a_strides, "b_stride": b_strides}


def _strides(shape: tuple[int, ...], rank: int) -> list[int]:
    """Count the elements that a step along each dimension moves; 0 if repeated."""
    full = (1,) * (rank - len(shape)) + shape
    strides, step = [0] * rank, 1
    for i in reversed(range(rank)):
        strides[i] = 0 if full[i] == 1 else step
        step *= full[i]
    return strides


def binary_sample(rng: Rng, kind: str, dtype: str) -> Graph:
    """Make a graph of two operands; either may be repeated, one may be constant."""
    rank = int(rng.integers(1, 5))
    out = [int(v) for v in rng.integers(1, 7, rank)]
    shapes = [out, [d if rng.random() < 0.6 else 1 for d in out]]
    if rng.random() < 0.3:
        shapes[1] = shapes[1][int(rng.integers(0, rank)) :]
    if rng.random() < 0.5:
        shapes[0] = [d if rng.random() < 0.8 else 1 for d in out]
    if rng.random() < 0.5:
        shapes.reverse()
    full = np.broadcast_shapes(*map(tuple, shapes))
    b = GraphBuilder()
    first, second, third = (random_quant(rng, dtype, 0.7) for _ in range(3))
    if kind == "MUL" and first and second and third:
        scale = first.scale[0] * second.scale[0] * float(rng.choice([0.5, 20, 100]))
        third = Quant((float(np.float32(scale)),), third.zero_point)
    operands = [b.input(*shapes[0], dtype=dtype, quant=first)]
    if rng.random() < 0.3:
        operands.append(b.constant(random_input(rng, shapes[1], dtype), dtype, second))
    else:
        operands.append(b.input(*shapes[1], dtype=dtype, quant=second))
    y = b.tensor(*full, dtype=dtype, quant=third)
    activation = random_activation(rng)
    return b.graph(b.op(kind, operands, y, fused_activation_function=activation))
