"""MEAN."""

from __future__ import annotations

import numpy as np

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
from relocatable.ops._shared.reduction import (
    AXES,
    axes_of,
    reduced_axes,
    reduction_fields,
    reduction_sample,
    sum_fits,
    two_runs,
)
from relocatable.ops._shared.types import INTEGERS, NUMBERS, kept_type, one_scale
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
from relocatable.steps.c_call import CCall, Input, Output
from relocatable.steps.kernel_call import KernelCall


def sum_bits(node: Node) -> Seen:
    """the mean of 8-bit values must be of fewer than 2^23, of 16-bit values of at most 2^15"""
    return sum_fits(node)


def lower_mean(site: Site) -> KernelCall:
    """Lower a mean of any numbers."""
    params = reduction_fields(site.node)
    count = site.input(0).count // site.output.count
    dtype = site.output.dtype
    if dtype in INTEGERS:
        call = CCall("xn_plain_mean", (Input(0), Output()), params, dtype=dtype)
        return site.call("mean/plain_mean.c", call, macs=site.input(0).count)
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
    call = CCall("xn_mean", (Input(0), Output()), params, dtype=dtype)
    return site.call("mean/mean.c", call, macs=site.input(0).count)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Average over the axes; integers that have a scale are rescaled, others cut off."""
    x, y, values = node.inputs[0], node.output, inputs[0]
    axes = axes_of(node)
    if y.dtype == "float32":
        return np.asarray(np.mean(values, axis=axes, dtype=np.float64), np.float32)
    count = values.size // y.count
    if y.dtype in INTEGERS:
        sums = np.sum(values.astype(np.int64), axis=axes)
        return np.asarray(np.abs(sums) // count * np.sign(sums), y.dtype)
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
    """Make a graph that reduces any axes."""
    quants = random_quant(rng, dtype), random_quant(rng, dtype)
    return reduction_sample(rng, "MEAN", dtype, *quants)


def _ratio(node: Node) -> list[float]:
    return [float(scale_of(node.inputs[0])) / float(scale_of(node.output))]


_RATIO = factors_below(30, "the input's scale over the output's", _ratio)

OPERATORS = (
    Operator(
        kind="MEAN",
        options=Options("ReducerOptions", ("keep_dims",)),
        operands=(Operand("input", NUMBERS), AXES),
        output=NUMBERS,
        rules=(kept_type, one_scale, two_runs, sum_bits, _RATIO),
        shape=reduced_axes,
        evaluate=evaluate,
        kernels=(Kernel(lower_mean),),
        samples=samples(sample, NUMBERS),
    ),
)
