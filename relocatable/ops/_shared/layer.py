"""What layers with weights share: operands, rules, the calls of plain C."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from relocatable.ops._shared.factors import clamp_steps, factors_below
from relocatable.ops._shared.fixed_point import float_clamp, quantized_clamp
from relocatable.ops._shared.scaling import (
    AccumulatorBounds,
    Scaling,
    layer_factors,
    scale_double_rounding,
)
from relocatable.ops._shared.types import has_one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Operand, Rule, Seen
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall, Rows


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


# By the names of their samples.
LAYER_FORMS = {
    "int8": LayerForm("int8", "int8", ("int32",)),
    "float32": LayerForm("float32", "float32", ("float32",)),
    "float32 by int8": LayerForm("float32", "int8", ("float32",)),
}
HYBRID = "float32 by int8"  # LiteRT's name: it quantises the input at run time (hybrid.py)
LAYER_TYPES = tuple(dict.fromkeys(form.data for form in LAYER_FORMS.values()))
FILTER_TYPES = tuple(dict.fromkeys(form.filter for form in LAYER_FORMS.values()))
BIAS_TYPES = tuple(dict.fromkeys(dtype for form in LAYER_FORMS.values() for dtype in form.bias))
LAYER_OPERANDS = (
    Operand("input", LAYER_TYPES),
    Operand("filter", FILTER_TYPES, constant=True),
    Operand("bias", BIAS_TYPES, constant=True, optional=True),
)
CONV_FIELDS = ("dilation_w_factor", "dilation_h_factor")


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
    """input and output of 8 bits must have one scale"""
    for tensor in (node.inputs[0], node.output):
        if tensor.dtype == "int8" and not has_one_scale(tensor):
            return False, f"{tensor.quant} of '{tensor.name}'"
    return True, ""


def filter_scales(node: Node, axis: int) -> Seen:
    """Check for one scale, or one for each output channel, and zero point 0."""
    quant = node.inputs[1].quant
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
    made = site.call(source, call, weights=weights, macs=macs, rows=rows)
    return replace(made, widens="filter")


def scaling_of(site: Site, bounds: AccumulatorBounds, method: Callable[..., Scaling]) -> Scaling:
    """Find the scaling of an int8 layer's sums, by a method of scaling.py."""
    factors = layer_factors(site.input(0), site.input(1), site.output)
    return method(factors, bounds, site.output, quantized_clamp(site.activation, site.output))


def bias_of(site: Site) -> npt.NDArray[np.generic] | None:
    """Read the layer's bias; None if it has none."""
    return site.constant(2) if site.has_input(2) else None


def plain_layer(
    site: Site,
    source: str,
    function: str,
    params: dict[str, CValue],
    bounds: AccumulatorBounds,
    macs: int,
    rows: Rows,
) -> KernelCall:
    """Make the call of an int8 layer in plain C, its filter as the model has it."""
    scaling = scaling_of(site, bounds, scale_double_rounding)
    arguments = (Input(0), Constant("filter"), scaling.tables, Output())
    return site.call(
        source,
        CCall(function, arguments, {**params, "scaling": scaling.params}),
        weights={"filter": site.constant(1), **scaling.weights},
        macs=macs,
        rows=rows,
    )
