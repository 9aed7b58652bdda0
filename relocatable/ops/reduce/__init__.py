"""SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY, REDUCE_ALL.

A SUM of int8 or int16 is computed as LiteRT's reference kernel computes one of uint8, and as TFLite
Micro does. That kernel itself takes all bits as those of uint8; LiteRT's optimised one differs from
this by at most 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from relocatable.graph.graph import Graph
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
from relocatable.ops._shared.types import (
    kept_scale,
    kept_type,
    one_scale,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Rule,
    Sample,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Input, Name, Output
from relocatable.steps.kernel_call import KernelCall


class _Function(NamedTuple):
    name: str  # in C
    meaning: np.ufunc
    types: tuple[str, ...]


_ALL_NUMBERS = ("int8", "uint8", "int16", "int32", "int64", "float32")
_FUNCTIONS = {
    "SUM": _Function("XN_REDUCE_SUM", np.add, _ALL_NUMBERS),
    "REDUCE_MAX": _Function("XN_REDUCE_MAX", np.maximum, _ALL_NUMBERS),
    "REDUCE_MIN": _Function("XN_REDUCE_MIN", np.minimum, _ALL_NUMBERS),
    "REDUCE_PROD": _Function("XN_REDUCE_PROD", np.multiply, ("int32", "int64", "float32")),
    "REDUCE_ANY": _Function("XN_REDUCE_MAX", np.logical_or, ("bool",)),
    "REDUCE_ALL": _Function("XN_REDUCE_MIN", np.logical_and, ("bool",)),
}


def sum_bits(node: Node) -> Seen:
    """the sum of 8-bit values must be of fewer than 2^23, of 16-bit values of at most 2^15"""
    return sum_fits(node)


def _is_rescaled(node: Node) -> bool:
    return node.op.kind == "SUM" and bool(node.quantized)


def lower_reduction(site: Site) -> KernelCall:
    """Lower a reduction that needs no scale."""
    node, dtype = site.node, site.output.dtype
    params = {"function": Name(_FUNCTIONS[node.op.kind].name), **reduction_fields(node)}
    as_type = "uint8_t" if dtype == "bool" else ""
    instance = "uint8" if dtype == "bool" else dtype
    call = CCall("xn_reduce", (Input(0, as_type), Output(as_type)), params, dtype=instance)
    return site.call("reduce/reduce.c", call)


def lower_rescaled_sum(site: Site) -> KernelCall:
    """Lower a sum of scaled values: a mean without its division."""
    x, y = site.input(0), site.output
    multiplier, shift = quantize_multiplier(_ratio(site.node)[0])
    low, high = type_range(y.dtype)
    params = {
        **reduction_fields(site.node),
        "in_zero_sum": zero_of(x) * (x.count // y.count),
        "out_zero": zero_of(y),
        "multiplier": multiplier,
        "shift": shift,
        "low": low,
        "high": high,
    }
    call = CCall("xn_mean", (Input(0), Output()), params, dtype=y.dtype)
    return site.call("mean/mean.c", call)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Reduce the axes; sums of scaled values are rescaled."""
    x, y, values = node.inputs[0], node.output, inputs[0]
    axes = axes_of(node)
    if _is_rescaled(node):
        sums = np.sum(values.astype(np.int64) - zero_of(x), axis=axes)
        scaled = multiply_by_quantized_multiplier(sums, *quantize_multiplier(_ratio(node)[0]))
        return np.clip(scaled + zero_of(y), *type_range(y.dtype)).astype(y.dtype)
    # Floats are taken in the order of memory.
    kept = [axis for axis in range(values.ndim) if axis not in axes]
    rows = values.transpose(*kept, *sorted(axes)).reshape(y.count, -1)
    found = _FUNCTIONS[node.op.kind].meaning.accumulate(rows, axis=1, dtype=values.dtype)
    return np.asarray(found[:, -1].reshape(y.shape))


def _ratio(node: Node) -> list[float]:
    return [float(scale_of(node.inputs[0])) / float(scale_of(node.output))]


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        """Make a graph that reduces any axes."""
        quant = random_quant(rng, dtype)
        other = random_quant(rng, dtype) if kind == "SUM" and rng.random() < 0.7 else quant
        return reduction_sample(rng, kind, dtype, quant, other)

    return sample


def _operator(kind: str, kernels: tuple[Kernel, ...], rules: tuple[Rule, ...]) -> Operator:
    types = _FUNCTIONS[kind].types
    return Operator(
        kind=kind,
        options=Options("ReducerOptions", ("keep_dims",)),
        operands=(Operand("input", types), AXES),
        output=types,
        rules=(kept_type, *rules, two_runs),
        shape=reduced_axes,
        kernels=kernels,
        evaluate=evaluate,
        version=2 if "int8" in types else 1,
        micro=("int8", "int16") if kind == "SUM" else (),
        samples=samples(_sample(kind), types),
    )


_SUM = (
    Kernel(lower_rescaled_sum, takes=lambda site: _is_rescaled(site.node)),
    Kernel(lower_reduction),
)
_REDUCTION = (Kernel(lower_reduction),)
_RATIO = factors_below(30, "the input's scale over the output's", _ratio)

OPERATORS = (
    _operator("SUM", _SUM, (one_scale, sum_bits, _RATIO)),
    _operator("REDUCE_MAX", _REDUCTION, (kept_scale,)),
    _operator("REDUCE_MIN", _REDUCTION, (kept_scale,)),
    _operator("REDUCE_PROD", _REDUCTION, ()),
    _operator("REDUCE_ANY", _REDUCTION, ()),
    _operator("REDUCE_ALL", _REDUCTION, ()),
)
