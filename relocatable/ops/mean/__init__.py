"""MEAN."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Tensor
from relocatable.ops._shared.factors import factors_below
from relocatable.ops._shared.fixed_point import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import ARITHMETIC, INTEGERS, kept_type, one_scale
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

# Dimensions as loops: (count, distance of the elements), outermost first.
_Loops = list[tuple[int, int]]


def mean_axes(node: Node) -> Seen:
    """axes must be different ones of the input's, and the output what is left of them"""
    axes, source, output = node.integers(1), node.inputs[0].shape, node.output.shape
    rank = len(source)
    chosen = {a % rank if -rank <= a < rank else -1 for a in axes}
    kept = [d for i, d in enumerate(source) if i not in chosen]
    ok = -1 not in chosen and len(chosen) == len(axes)
    ok = ok and [d for d in output if d != 1] == [d for d in kept if d != 1]
    return ok, f"{axes} of {list(source)} -> {list(output)}"


def two_runs(node: Node) -> Seen:
    """axes that are reduced, and those that are kept, must form at most two runs of neighbours"""
    shape, axes = node.inputs[0].shape, node.integers(1)
    rank = len(shape)
    runs = _loops(shape, {a % rank for a in axes if rank})
    return max(map(len, runs)) <= 2, f"{axes} of {list(shape)}"


def sum_bits(node: Node) -> Seen:
    """the mean of 8-bit values must be of fewer than 2^23"""
    count = node.inputs[0].count // max(1, node.output.count)
    return not node.quantized or count < 1 << 23, str(count)


def lower_mean(site: Site) -> KernelCall:
    """Lower a mean of int8, uint8 or float32."""
    shape = site.input(0).shape
    axes = {int(a) % len(shape) for a in site.constant(1).reshape(-1)}
    keep, reduce = (_filled(found) for found in _loops(shape, axes))
    params: dict[str, CValue] = {"keep": keep, "reduce": reduce}
    count = int(np.prod([shape[a] for a in axes], dtype=np.int64))
    if site.is_float:
        call = CCall("xn_mean", (Input(0), Output()), params, dtype="float32")
        return site.call("mean/mean.c", call, macs=site.input(0).count)
    multiplier, shift = _multiplier(site.input(0), site.output, count)
    low, high = type_range(site.output.dtype)
    params |= {
        "in_zero_sum": zero_of(site.input(0)) * count,
        "out_zero": zero_of(site.output),
        "multiplier": multiplier,
        "shift": shift,
        "low": low,
        "high": high,
    }
    call = CCall("xn_mean", (Input(0), Output()), params, dtype=site.output.dtype)
    return site.call("mean/mean.c", call, macs=site.input(0).count)


def _filled(loops: _Loops) -> CValue:
    """Fill up to the two loops of a kernel."""
    return [{"count": n, "stride": step} for n, step in [(1, 0), (1, 0), *loops][-2:]]


def _loops(shape: tuple[int, ...], axes: set[int]) -> tuple[_Loops, _Loops]:
    """Find the loops over what is kept and what is reduced; neighbours are one loop."""
    loops: dict[bool, _Loops] = {False: [], True: []}
    stride, previous = 1, None
    for axis in reversed(range(len(shape))):
        kind = axis in axes
        if shape[axis] != 1:
            if kind is previous:
                count, step = loops[kind][0]
                loops[kind][0] = (count * shape[axis], step)
            else:
                loops[kind].insert(0, (shape[axis], stride))
            previous = kind
        stride *= shape[axis]
    return loops[False], loops[True]


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Average over the axes, and rescale integers."""
    x, y, values = node.inputs[0], node.output, inputs[0]
    axes = tuple({int(a) % len(x.shape) for a in inputs[1].reshape(-1)})
    if y.dtype == "float32":
        return np.asarray(np.mean(values, axis=axes, dtype=np.float64), np.float32)
    count = values.size // y.count
    sums = np.sum(values.astype(np.int64) - zero_of(x), axis=axes)
    scaled = multiply_by_quantized_multiplier(sums, *_multiplier(x, y, count))
    return np.clip(scaled + zero_of(y), *type_range(y.dtype)).astype(y.dtype)


def _multiplier(x: Tensor, y: Tensor, count: int) -> tuple[int, int]:
    """Find the factor of a sum of `count` values.

    As in LiteRT, the division is part of the multiplier, which is shifted up first for its bits.
    """
    multiplier, shift = quantize_multiplier(float(scale_of(x)) / float(scale_of(y)))
    lift = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << lift) // count, shift - lift


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph that reduces any axes, named from either end."""
    rank = int(rng.integers(1, 5))
    shape = [1, *(int(v) for v in rng.integers(1, 9, rank - 1))]
    if rank == 1:
        shape = [int(rng.integers(1, 40))]
    axes = [int(a) for a in range(rank) if rng.random() < 0.5] or [rank - 1]
    keep = bool(rng.random() < 0.5)
    out = [1 if a in axes else d for a, d in enumerate(shape)]
    if not keep:
        out = [d for a, d in enumerate(shape) if a not in axes]
    b = GraphBuilder()
    x = b.input(*shape, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(*out, dtype=dtype, quant=random_quant(rng, dtype))
    signed = [a - rank if rng.random() < 0.3 else a for a in axes]
    return b.graph(b.op("MEAN", (x, b.constant(signed)), y, keep_dims=keep))


def _ratio(node: Node) -> list[float]:
    return [float(scale_of(node.inputs[0])) / float(scale_of(node.output))]


_RATIO = factors_below(30, "the input's scale over the output's", _ratio)

OPERATORS = (
    Operator(
        kind="MEAN",
        options=Options("ReducerOptions", ("keep_dims",)),
        operands=(Operand("input", ARITHMETIC), Operand("axes", INTEGERS, constant=True)),
        output=ARITHMETIC,
        rules=(kept_type, one_scale, two_runs, sum_bits, _RATIO),
        shape=mean_axes,
        evaluate=evaluate,
        kernels=(Kernel(lower_mean),),
        samples=samples(sample, ARITHMETIC),
    ),
)
