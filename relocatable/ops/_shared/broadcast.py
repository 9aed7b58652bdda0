"""What operators with broadcast share: rules, shapes that kernels walk, samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.ops._shared.factors import clamp_steps
from relocatable.ops._shared.images import fused_activation, random_activation
from relocatable.ops._shared.random import random_input, random_quant
from relocatable.ops._shared.types import one_scale, one_type
from relocatable.ops.node import Node
from relocatable.ops.operator import Rng, Seen
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output, PointerLoop
from relocatable.steps.kernel_call import KernelCall

BINARY_RULES = (one_type, one_scale, fused_activation, clamp_steps)


def stretched_shapes(node: Node) -> Seen:
    """inputs must be of the output's shape, or stretch to it by NumPy's rules"""
    shapes = [t.shape for t in node.inputs]
    text = f"{' and '.join(str(list(s)) for s in shapes)} -> {list(node.output.shape)}"
    try:
        return np.broadcast_shapes(*shapes) == node.output.shape, text
    except ValueError:
        return False, text


def broadcast_call(
    site: Site,
    source: str,
    function: str,
    params: dict[str, CValue],
    params_type: str = "",
    weights: Mapping[str, npt.NDArray[np.generic]] | None = None,
) -> KernelCall:
    """Make the call of a kernel that walks operands together.

    Args:
        site: of the operator.
        source: kernel file.
        function: the kernel; it gets the operands, the weights and the output.
        params: besides the shape.
        params_type: their type; by default the function's name and "_params".
        weights: constants by their name.
    """
    inputs = range(len(site.op.inputs))
    shape, loops = broadcast_fields(site, [site.input(i).shape for i in inputs])
    tables = [Constant(key) for key in weights or {}]
    call = CCall(
        function,
        (*map(Input, inputs), *tables, Output()),
        {"shape": shape, **params},
        params_type,
        dtype=site.input(0).dtype,
        loops=[
            PointerLoop(loop.size, (*loop.steps, *[0] * len(tables), loop.output)) for loop in loops
        ],
    )
    out, width = site.output, np.dtype(site.output.dtype).itemsize
    same = [
        i
        for i in inputs
        if site.input(i).shape == out.shape and np.dtype(site.input(i).dtype).itemsize == width
    ]
    return site.call(
        source,
        call,
        weights=weights,
        inputs=inputs,
        in_place=same,
        macs=out.count,
        rows=site.value_rows,
    )


class _Run(NamedTuple):
    """Neighbouring dimensions that move alike: length, steps in inputs and output."""

    size: int
    steps: tuple[int, ...]
    output: int


def broadcast_fields(site: Site, shapes: Sequence[tuple[int, ...]]) -> tuple[CValue, list[_Run]]:
    """Fill in xn_broadcast's fields; more dimensions need loops around the call."""
    operands = "abc"[: len(shapes)]
    if site.value_rows is not None:
        once = (0, 0, 0, 1)
        strides = {f"{name}_stride": once for name in operands}
        return {"size": (1, 1, 1, site.count), **strides}, []
    runs = _runs(shapes, site.output.shape)
    outer, inner = runs[:-4], runs[-4:]
    inner = [_Run(1, (0,) * len(operands), 0)] * (4 - len(inner)) + inner
    fields: dict[str, CValue] = {"size": tuple(run.size for run in inner)}
    for i, name in enumerate(operands):
        fields[f"{name}_stride"] = tuple(run.steps[i] for run in inner)
    return fields, outer


def _runs(shapes: Sequence[tuple[int, ...]], out: tuple[int, ...]) -> list[_Run]:
    """Join neighbouring dimensions that move alike."""
    strides = [_strides(shape, len(out)) for shape in shapes]
    runs: list[_Run] = []
    for size, output, *steps in zip(out, _strides(out, len(out)), *strides, strict=True):
        if size == 1:
            continue
        run = _Run(size, tuple(steps), output)
        if runs and runs[-1].steps == tuple(step * size for step in steps):
            runs[-1] = run._replace(size=size * runs[-1].size)
        else:
            runs.append(run)
    return runs


def _strides(shape: tuple[int, ...], rank: int) -> list[int]:
    """Count the elements that a step along each dimension moves; 0 if repeated."""
    full = (1,) * (rank - len(shape)) + shape
    strides, step = [0] * rank, 1
    for i in reversed(range(rank)):
        strides[i] = 0 if full[i] == 1 else step
        step *= full[i]
    return strides


def random_shapes(rng: Rng, most: int) -> list[list[int]]:
    """Draw two shapes of up to `most` dimensions; either may be repeated along some."""
    rank = int(rng.integers(1, most + 1))
    out = [int(v) for v in rng.integers(1, 7 if rank < 5 else 4, rank)]
    shapes = [out, [d if rng.random() < 0.6 else 1 for d in out]]
    if rng.random() < 0.3:
        shapes[1] = shapes[1][int(rng.integers(0, rank)) :]
    if rng.random() < 0.5:
        shapes[0] = [d if rng.random() < 0.8 else 1 for d in out]
    if rng.random() < 0.5:
        shapes.reverse()
    return shapes


def binary_sample(rng: Rng, kind: str, dtype: str, **attrs: AttrValue) -> Graph:
    """Make a graph of two operands; either may be repeated, one may be constant.

    Args:
        rng: source of shapes, values and scales.
        kind: of the operator.
        dtype: of all tensors.
        attrs: besides the fused activation.
    """
    shapes = random_shapes(rng, 6)
    full = np.broadcast_shapes(*map(tuple, shapes))
    b = GraphBuilder()
    first, second, third = (random_quant(rng, dtype, 0.7) for _ in range(3))
    if kind == "MUL" and first and second and third:
        scale = first.scale[0] * second.scale[0] * float(rng.choice([0.5, 20, 100]))
        scale *= 256 if dtype == "int16" else 1
        third = Quant((float(np.float32(scale)),), third.zero_point)
    operands = [b.input(*shapes[0], dtype=dtype, quant=first)]
    if rng.random() < 0.3:
        operands.append(b.constant(random_input(rng, shapes[1], dtype), dtype, second))
    else:
        operands.append(b.input(*shapes[1], dtype=dtype, quant=second))
    y = b.tensor(*full, dtype=dtype, quant=third)
    attrs["fused_activation_function"] = random_activation(rng)
    return b.graph(b.op(kind, operands, y, **attrs))
