"""CUMSUM.

LiteRT has it of int32, int64 and float32, TFLite Micro of float32 and int8: that is the reference
of int8.
"""

from __future__ import annotations

import math

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.micro_sum import MicroSum, lifted_output
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import kept_type, one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import (
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

_TYPES = ("int8", "int32", "int64", "float32")


def summed_axis(node: Node) -> Seen:
    """axis must be one of the input's"""
    rank, axes = len(node.inputs[0].shape), node.integers(1)
    return len(axes) == 1 and -rank <= axes[0] < rank, f"{axes} of {list(node.inputs[0].shape)}"


def lower_cumsum(site: Site) -> KernelCall:
    """Lower running sums along one axis."""
    shape = site.input(0).shape
    axis = site.node.integers(1)[0] % len(shape)
    params: dict[str, CValue] = {
        "outer": math.prod(shape[:axis]),
        "depth": shape[axis],
        "inner": math.prod(shape[axis + 1 :]),
        "is_exclusive": int(bool(site.op.attrs["exclusive"])),
        "is_reverse": int(bool(site.op.attrs["reverse"])),
    }
    if site.output.dtype == "int8":
        params["sum"] = MicroSum.of(site.node).params
        call = CCall("xn_cumsum_8", (Input(0), Output()), params)
        return site.call("cumsum/cumsum_8.c", call, in_place=(0,))
    call = CCall("xn_cumsum", (Input(0), Output()), params, dtype=site.output.dtype)
    return site.call("cumsum/cumsum.c", call, in_place=(0,))


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Add up values along the axis."""
    if node.output.dtype == "int8":
        sums = MicroSum.of(node)
        return sums.outputs(_running(node, inputs[0].astype(np.int64) - sums.zero))
    return _running(node, inputs[0])


def _running(node: Node, values: Array) -> Array:
    axis = node.integers(1)[0]
    x = np.flip(values, axis) if node.op.attrs["reverse"] else values
    sums = np.add.accumulate(x, axis=axis, dtype=x.dtype)
    if node.op.attrs["exclusive"]:
        zero = np.zeros_like(np.take(sums, [0], axis))
        sums = np.concatenate([zero, np.delete(sums, -1, axis)], axis)
    return np.flip(sums, axis) if node.op.attrs["reverse"] else sums


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of sums along any axis, from either end, with or without their own."""
    rank = int(rng.integers(1, 5))
    shape = [int(v) for v in rng.integers(1, 7, rank)]
    if dtype == "int8" and rng.random() < 0.2:
        shape[0] = 40  # some sums wrap around
    b = GraphBuilder()
    x = b.input(*shape, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(*shape, dtype=dtype, quant=random_quant(rng, dtype))
    axis = b.constant(int(rng.integers(-rank, rank)))
    exclusive, reverse = (bool(v) for v in rng.random(2) < 0.5)
    return b.graph(b.op("CUMSUM", (x, axis), y, exclusive=exclusive, reverse=reverse))


OPERATORS = (
    Operator(
        kind="CUMSUM",
        options=Options("CumsumOptions", ("exclusive", "reverse")),
        operands=(Operand("input", _TYPES), Operand("axis", ("int32",), constant=True)),
        output=_TYPES,
        rules=(kept_type, summed_axis, one_scale, lifted_output),
        shape=kept_shape,
        kernels=(Kernel(lower_cumsum),),
        evaluate=evaluate,
        micro=("int8",),
        version=1,
        samples=samples(sample, _TYPES),
    ),
)
