"""ABS, NEG and LOGICAL_NOT.

NEG of scaled values negates what is stored, as LiteRT does, whatever the scales and zero points.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.factors import factors_below, kept_ratio
from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.table import all_values, lower_table
from relocatable.ops._shared.types import kept_type, one_scale
from relocatable.ops._shared.unary import unary_sample
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Rule, Sample, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall


def lower_abs(site: Site) -> KernelCall:
    """Lower ABS; 8-bit values are a table."""
    if site.output.dtype == "int8":
        return lower_table(site, scaled_abs(site.node, all_values(site.input(0))))
    if site.output.dtype == "int16":
        multiplier, shift = _multiplier(site.node)
        return _call(site, "xn_scaled_abs", {"multiplier": multiplier, "shift": shift})
    return _call(site, "xn_abs", {})


def lower_neg(site: Site) -> KernelCall:
    """Lower NEG of any numbers."""
    return _call(site, "xn_neg", {})


def lower_not(site: Site) -> KernelCall:
    """Lower LOGICAL_NOT."""
    return _call(site, "xn_not", {})


def _call(site: Site, function: str, params: dict[str, CValue]) -> KernelCall:
    fields: dict[str, CValue] = {"count": site.count, **params}
    call = CCall(function, (Input(0), Output()), fields, "xn_sign_params", site.output.dtype)
    return site.call("sign/sign.c", call, in_place=(0,), rows=site.value_rows)


def scaled_abs(node: Node, values: Ints) -> Ints:
    """Compute the magnitudes of stored values, not yet clamped."""
    distance = np.abs(values - zero_of(node.inputs[0]))
    scaled = multiply_by_quantized_multiplier(distance, *_multiplier(node))
    return scaled + zero_of(node.output)


def _multiplier(node: Node) -> tuple[int, int]:
    return quantize_multiplier(float(scale_of(node.inputs[0]) / scale_of(node.output)))


def evaluate_abs(node: Node, inputs: list[Array]) -> Array:
    """Drop the sign, and rescale integers that have a scale."""
    dtype = node.output.dtype
    if not node.quantized:
        return np.abs(inputs[0])
    found = scaled_abs(node, inputs[0].astype(np.int64))
    return np.clip(found, *type_range(dtype)).astype(dtype)


def evaluate_neg(node: Node, inputs: list[Array]) -> Array:
    """Negate what is stored; the least integer stays."""
    return np.negative(inputs[0])


def evaluate_not(node: Node, inputs: list[Array]) -> Array:
    """Turn truth over."""
    return np.logical_not(inputs[0])


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        quant = random_quant(rng, dtype)
        return unary_sample(rng, kind, dtype, quant, quant if rng.random() < 0.3 else None)

    return sample


def _operator(
    kind: str,
    dtypes: tuple[str, ...],
    rules: tuple[Rule, ...],
    lower: Callable[[Site], KernelCall],
    evaluate: Callable[[Node, list[Array]], Array],
    version: int,
) -> Operator:
    return Operator(
        kind=kind,
        operands=(Operand("input", dtypes),),
        output=dtypes,
        rules=(kept_type, *rules),
        shape=kept_shape,
        kernels=(Kernel(lower),),
        evaluate=evaluate,
        samples=samples(_sample(kind), dtypes),
        version=version,
    )


_RATIO = factors_below(30, "the input's scale over the output's", kept_ratio)
_ABS = ("int8", "int16", "int32", "float32")
_NEG = ("int8", "int16", "int32", "int64", "float32")

OPERATORS = (
    _operator("ABS", _ABS, (one_scale, _RATIO), lower_abs, evaluate_abs, 2),
    _operator("NEG", _NEG, (), lower_neg, evaluate_neg, 1),
    _operator("LOGICAL_NOT", ("bool",), (), lower_not, evaluate_not, 1),
)
