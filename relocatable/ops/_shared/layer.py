"""What layers with weights share: operands, rules, the calls of plain C."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Quant, Tensor
from relocatable.ops._shared.factors import clamp_steps, factors_below
from relocatable.ops._shared.fixed_point import Ints, float_clamp, quantized_clamp, zero_of
from relocatable.ops._shared.scaling import (
    AccumulatorBounds,
    Rounding,
    Scaling,
    layer_factors,
    scale_double_rounding,
    scale_single_rounding,
    scale_wide_sums,
)
from relocatable.ops._shared.types import has_one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Operand, Rule, Seen
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall, Rows
from relocatable.steps.pack_filter import FilterBlocks

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class LayerForm:
    """The element types that the tensors of a layer have together.

    Attributes:
        data: of input and output.
        filter: of the filter.
        bias: those that the bias may have.
    """

    data: str
    filter: str
    bias: tuple[str, ...]


HYBRID = "float32 by int8"  # LiteRT's name: it quantises the input at run time (hybrid.py)
# By the names of their samples.
LAYER_FORMS = {
    "int8": LayerForm("int8", "int8", ("int32",)),
    "uint8": LayerForm("uint8", "uint8", ("int32",)),
    "int16": LayerForm("int16", "int8", ("int64", "int32")),
    "float32": LayerForm("float32", "float32", ("float32",)),
    HYBRID: LayerForm("float32", "int8", ("float32",)),
}
LAYER_TYPES = tuple(dict.fromkeys(form.data for form in LAYER_FORMS.values()))
FILTER_TYPES = tuple(dict.fromkeys(form.filter for form in LAYER_FORMS.values()))
BIAS_TYPES = tuple(dict.fromkeys(dtype for form in LAYER_FORMS.values() for dtype in form.bias))
LAYER_OPERANDS = (
    Operand("input", LAYER_TYPES),
    Operand("filter", FILTER_TYPES, constant=True),
    Operand("bias", BIAS_TYPES, constant=True, optional=True),
)
CONV_FIELDS = ("dilation_w_factor", "dilation_h_factor")
# Names the type of a 16-bit layer's sums; absent, it reads as FLOAT32.
BIAS_TYPE_FIELD = "quantized_bias_type"
BIAS_TYPE_ENUM = {BIAS_TYPE_FIELD: "TensorType"}


def layer_form(node: Node) -> str | None:
    """Find the name of a layer's form; None if there is none for its element types."""
    data, weights, *bias = (t.dtype for t in node.inputs)
    for name, form in LAYER_FORMS.items():
        same = (form.data, form.filter, form.data) == (data, weights, node.output.dtype)
        if same and set(bias) <= set(form.bias):
            return name
    return None


def weighted_types(node: Node) -> Seen:
    """Look for the layer's form."""
    seen = ", ".join(t.dtype for t in (*node.inputs, node.output))
    return layer_form(node) is not None, seen


weighted_types.__doc__ = "input and output, filter and bias must be " + "; or ".join(
    f"{form.data}, {form.filter} and {' or '.join(form.bias)}" for form in LAYER_FORMS.values()
)


def data_scales(node: Node) -> Seen:
    """input and output of 8 or 16 bits must have one scale, those of 16 bits zero point 0"""
    for tensor in (node.inputs[0], node.output):
        if tensor.dtype == "float32":
            continue
        if not has_one_scale(tensor):
            return False, f"{tensor.quant} of '{tensor.name}'"
    return True, ""


def bias_type(node: Node) -> Seen:
    """quantized_bias_type of a 16-bit layer must be absent, or the bias's type"""
    named = str(node.op.attrs.get(BIAS_TYPE_FIELD, "FLOAT32")).lower()
    bias = [t.dtype for t in node.inputs[2:]] or ["int32", "int64"]
    ok = node.output.dtype != "int16" or named in ("float32", *bias)
    return ok, f"{named} with {' or '.join(bias)}"


def has_wide_sums(node: Node) -> bool:
    """Tell whether LiteRT sums a layer up in 64 bits; else TFLM and it do in 32.

    LiteRT asks the option, without which it reads a 32-bit bias as if it were longer; TFLM asks
    the bias.
    """
    named = str(node.op.attrs.get(BIAS_TYPE_FIELD, "FLOAT32"))
    narrow = node.inputs[2].dtype == "int32" if len(node.inputs) == 3 else named == "INT32"
    return node.output.dtype == "int16" and not narrow


def fixed_rounding(node: Node) -> Rounding:
    """Find the rounding of a layer that scales by fixed-point multipliers."""
    return "reduced" if has_wide_sums(node) else "double"


def filter_scales(node: Node, axis: int) -> Seen:
    """Check for one scale, or one for each output channel, and zero point 0; uint8: one scale."""
    quant = node.inputs[1].quant
    if node.output.dtype == "uint8":
        return has_one_scale(node.inputs[1]), f"{quant} of the filter"
    if node.inputs[1].dtype == "float32":
        return True, ""
    if quant is None or quant.axis not in (None, axis):
        return False, f"{quant} of the filter"
    return not any(quant.zero_point), f"zero points {quant.zero_point} of the filter"


def _layer_factors(node: Node) -> list[float]:
    if node.output.dtype == "float32":
        return [0.0]
    return layer_factors(node.inputs[0], node.inputs[1], node.output)


LAYER_SCALES: tuple[Rule, ...] = (
    factors_below(30, "input's scale times the filter's over the output's", _layer_factors),
    clamp_steps,
)


def bounded_sums(axis: int) -> Rule:
    """Make the rule about a 16-bit layer's sums; `axis`: of the filter's channels."""

    def wide_sums(node: Node) -> Seen:
        """sums of a 16-bit layer must be below 2^47 and their factors below 2^7, or, if the bias
        has 32 bits, sums below 2^31; results must be below 2^30 before they are clamped"""
        channels = node.inputs[1].shape[axis : axis + 1]
        if node.output.dtype != "int16" or not channels:
            return True, ""
        sums = 32768 * _weight_sums(node.inputs[1], axis)
        if len(node.inputs) == 3 and bias_fits(node, channels[0]):
            sums = sums + np.abs(np.asarray(node.inputs[2].data, np.float64)).reshape(-1)
        factors = np.array(_layer_factors(node))
        most, factor, result = (float(x.max()) for x in (sums, factors, sums * factors))
        power = 47 if has_wide_sums(node) else 31
        ok = most < 2.0**power and result < 2.0**30 and (power == 31 or factor < 2.0**7)
        return ok, f"{most:g} times {factor:g}, or up to {result:g}"

    return wide_sums


def _weight_sums(weights: Tensor, axis: int) -> Ints:
    """Add up each channel's weights without signs; of computed ones the most."""
    terms = weights.count // weights.shape[axis]
    if weights.data is None:
        return np.array([(128 + abs(filter_zero(weights))) * terms])
    real = np.abs(weights.data.astype(np.int64) - filter_zero(weights))
    sums: Ints = np.moveaxis(real, axis, 0).reshape(-1, terms).sum(axis=1)
    return sums


def filter_zero(weights: Tensor) -> int:
    """Find the weights' zero point, which LiteRT applies only if there is one scale."""
    quant = weights.quant
    return quant.zero_point[0] if quant and len(quant.scale) == 1 else 0


def dilation(node: Node) -> Seen:
    """dilation must be in [1, 64]"""
    for key in ("dilation_h_factor", "dilation_w_factor"):
        if not 1 <= node.integer(key) <= 64:
            return False, str(node.op.attrs[key])
    return True, ""


def bias_fits(node: Node, count: int) -> bool:
    """Tell whether the bias, if there is one, has a value for each channel."""
    return len(node.inputs) < 3 or node.inputs[2].count == count


def filter_text(node: Node) -> str:
    """Describe the shapes of a layer in a message."""
    shapes = [list(t.shape) for t in node.inputs[1:]]
    return f"{shapes} for {list(node.inputs[0].shape)} -> {list(node.output.shape)}"


def dilated_window(node: Node) -> tuple[int, int]:
    """Compute the height and width that a dilated filter covers."""
    _, k_h, k_w, _ = node.inputs[1].shape
    return (
        1 + (k_h - 1) * node.integer("dilation_h_factor"),
        1 + (k_w - 1) * node.integer("dilation_w_factor"),
    )


def float_layer(
    site: Site,
    source: str,
    function: str,
    params: dict[str, CValue],
    macs: int,
    rows: Rows | None = None,
    filters: FilterBlocks | None = None,
) -> KernelCall:
    """Make the call of a layer in float32."""
    low, high = float_clamp(site.activation)
    bias = bias_of(site)
    weights = {
        "filter": site.constant(1),
        "bias": np.zeros(site.output.shape[-1], np.float32) if bias is None else bias,
    }
    arguments = (Input(0), Constant("filter"), Constant("bias"), Output())
    constants = {**params, "low": low, "high": high}
    call = CCall(function, arguments, constants, dtype="float32")
    made = site.call(source, call, weights=weights, macs=macs, rows=rows, filters=filters)
    return replace(made, widens="filter")


def scaling_of(
    site: Site,
    bounds: AccumulatorBounds,
    method: Callable[..., _Found],
    rounding: Rounding = "double",
) -> _Found:
    """Find the scaling of an integer layer's sums, by a method of scaling.py."""
    factors = layer_factors(site.input(0), site.input(1), site.output, rounding)
    return method(factors, bounds, site.output, quantized_clamp(site.activation, site.output))


class SignedLayer(NamedTuple):
    """A layer of integers without uint8, for kernels that take uint8 less 128.

    Attributes:
        source: the input, of int8 or int16.
        weights: of int8, with their zero point.
        filter_zero: their zero point.
    """

    source: Tensor
    weights: Ints
    filter_zero: int


def signed_layer(site: Site) -> SignedLayer:
    """Bring uint8 to int8, the weights' zero point to 0 if it fits."""
    source, weights = site.input(0), site.constant(1).astype(np.int64)
    zero = filter_zero(site.input(1))
    if source.dtype != "uint8":
        return SignedLayer(source, weights, zero)
    signed = replace(source, dtype="int8", quant=Quant((1.0,), (zero_of(source) - 128,)))
    base = zero if np.abs(weights - zero).max(initial=0) < 128 else 128
    return SignedLayer(signed, weights - base, zero - base)


def real_weights(site: Site) -> Ints:
    """Read the weights less their zero point."""
    return site.constant(1).astype(np.int64) - filter_zero(site.input(1))


def filter_zero_param(dtype: str, zero: int) -> dict[str, CValue]:
    """Make the constant XN_FILTER_ZERO_FIELD of a template."""
    return {"filter_zero": zero} if dtype == "uint8" else {}


def bias_of(site: Site) -> npt.NDArray[np.generic] | None:
    """Read the layer's bias; None if it has none."""
    return site.constant(2) if site.has_input(2) else None


def plain_scaling(site: Site, bounds: AccumulatorBounds, rounding: Rounding) -> Scaling:
    """Find the scaling of a layer in plain C; sums of 16-bit inputs have 64 bits."""
    if site.output.dtype == "int16":
        return scaling_of(site, bounds, partial(scale_wide_sums, rounding=rounding))
    method = scale_single_rounding if rounding == "single" else scale_double_rounding
    return scaling_of(site, bounds, method, rounding)


def plain_layer(
    site: Site,
    source: str,
    function: str,
    params: dict[str, CValue],
    bounds: AccumulatorBounds,
    macs: int,
    rows: Rows | None,
    rounding: Rounding,
    filters: FilterBlocks | None = None,
) -> KernelCall:
    """Make the call of an integer layer in plain C, its filter as the model has it."""
    dtype = site.output.dtype
    params |= filter_zero_param(dtype, filter_zero(site.input(1)))
    scaling = plain_scaling(site, bounds, rounding)
    arguments = (Input(0), Constant("filter"), scaling.tables, Output())
    return site.call(
        source,
        CCall(function, arguments, {**params, "scaling": scaling.params}, dtype=dtype),
        weights={"filter": site.constant(1), **scaling.weights},
        macs=macs,
        rows=rows,
        filters=filters,
    )
