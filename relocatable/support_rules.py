"""One function per rule about what the compiler takes; `support.py` says which operator has which.

A rule's docstring is its text, in refusals and in docs/OPS.md (made by `opsdoc.py`). It returns
whether it holds, and what was seen. The rules of an operator are asked in order, and each may rely
on those before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from relocatable.graph.edit import float_attr, int_attr
from relocatable.graph.graph import Graph, Op, Quant, Tensor

Seen = tuple[bool, str]


@dataclass(frozen=True)
class Site:
    """An operator where it stands.

    Attributes:
        graph: the graph as read, its constants folded.
        op: the operator.
    """

    graph: Graph
    op: Op

    @property
    def inputs(self) -> list[Tensor]:
        """Tensors of the inputs that are present."""
        return [self.graph.tensors[i] for i in self.op.inputs if i != -1]

    @property
    def output(self) -> Tensor:
        """Tensor of the first output."""
        return self.graph.tensors[self.op.outputs[0]]

    @property
    def values(self) -> list[Tensor]:
        """Inputs and output whose quantisation counts: those of 8 bits."""
        return [t for t in (*self.inputs, self.output) if t.dtype in ("int8", "uint8")]


Rule = Callable[[Site], Seen]


def rule_text(rule: Rule) -> str:
    """The rule in words."""
    return " ".join((rule.__doc__ or "").split())


# ---- Rules of every operator -----------------------------------------------------------------

_OPERANDS = {
    "CONV_2D": (2, 3),
    "DEPTHWISE_CONV_2D": (2, 3),
    "FULLY_CONNECTED": (2, 3),
    "ADD": (2, 2),
    "SUB": (2, 2),
    "MUL": (2, 2),
    "MEAN": (2, 2),
    "PAD": (2, 2),
    "PADV2": (3, 3),
    "RESHAPE": (1, 2),
    "EXPAND_DIMS": (2, 2),
    "STRIDED_SLICE": (4, 4),
    "PACK": (1, 1000),
    "CONCATENATION": (1, 1000),
}


def operand_count(site: Site) -> Seen:
    """inputs and outputs must be as many as LiteRT defines, none missing but a bias"""
    least, most = _OPERANDS.get(site.op.kind, (1, 1))
    inputs, outputs = site.op.inputs, site.op.outputs
    ok = least <= len(inputs) <= most and len(outputs) == 1 and -1 not in inputs[:least]
    return ok, f"{len(site.inputs)} inputs, {len(outputs)} outputs"


def element_types(site: Site) -> Seen:
    """values must be int8, uint8, int32 or float32: models of 16-bit activations are not done"""
    seen = [t.dtype for t in (site.inputs[0], site.output)]
    return set(seen) <= {"int8", "uint8", "int32", "float32"}, " -> ".join(seen)


def not_empty(site: Site) -> Seen:
    """tensors must have values"""
    # The shape that makes a scalar is itself empty.
    data = site.inputs[:1] if site.op.kind == "RESHAPE" else site.inputs
    shapes = [list(t.shape) for t in (*data, site.output)]
    return all(0 not in s for s in shapes), str(shapes)


# ---- Types and quantisation ------------------------------------------------------------------


def weighted_types(site: Site) -> Seen:
    """input, filter and output must be int8 with a bias of int32, or all float32"""
    seen = [t.dtype for t in (*site.inputs, site.output)]
    bias = ["int32"] if len(site.inputs) == 3 else []
    whole = ["int8", "int8", *bias, "int8"]
    return seen in (whole, ["float32"] * len(seen)), ", ".join(seen)


def arithmetic_types(site: Site) -> Seen:
    """inputs and output must be all int8, all uint8 or all float32"""
    data = site.inputs[:1] if site.op.kind in ("MEAN", "PAD", "PADV2") else site.inputs
    return _one_type([*data, site.output], ("int8", "uint8", "float32"))


def reshape_types(site: Site) -> Seen:
    """input and output must be of one type"""
    return _one_type([site.inputs[0], site.output], (site.output.dtype,))


def quantize_types(site: Site) -> Seen:
    """input must be float32, int8 or uint8, and the output int8 or uint8"""
    source, output = site.inputs[0].dtype, site.output.dtype
    ok = source in ("float32", "int8", "uint8") and output in ("int8", "uint8")
    return ok, f"{source} -> {output}"


def dequantize_types(site: Site) -> Seen:
    """input must be int8 or uint8, and the output float32"""
    source, output = site.inputs[0].dtype, site.output.dtype
    return source in ("int8", "uint8") and output == "float32", f"{source} -> {output}"


def one_scale(site: Site) -> Seen:
    """tensors of 8 bits must have one scale, and a zero point within their type"""
    for tensor in site.values:
        if not _has_one_scale(tensor):
            return False, f"{tensor.quant} of {tensor.dtype} '{tensor.name}'"
    return True, ""


def weighted_scales(site: Site) -> Seen:
    """input and output of 8 bits must have one scale; a filter one, or one for each output channel,
    and zero point 0 (FULLY_CONNECTED with one scale: any)"""
    if site.output.dtype == "float32":
        return True, ""
    for tensor in (site.inputs[0], site.output):
        if not _has_one_scale(tensor):
            return False, f"{tensor.quant} of '{tensor.name}'"
    quant = site.inputs[1].quant
    axis = 3 if site.op.kind == "DEPTHWISE_CONV_2D" else 0
    if quant is None or quant.axis not in (None, axis):
        return False, f"{quant} of the filter"
    if site.op.kind == "FULLY_CONNECTED" and _has_one_scale(site.inputs[1]):
        return True, ""
    return not any(quant.zero_point), f"zero points {quant.zero_point} of the filter"


def kept_scale(site: Site) -> Seen:
    """inputs and output of 8 bits must have the same scale and zero point"""
    quants = {t.quant for t in site.values}
    return len(quants) <= 1, " and ".join(_quant_text(q) for q in quants)


def joined_scale(site: Site) -> Seen:
    """inputs and output of int8 must have the same scale and zero point"""
    return kept_scale(site) if site.output.dtype == "int8" else (True, "")


def probability_scale(site: Site) -> Seen:
    """an output of 8 bits must have scale 1/256 and zero point -128 (uint8: 0)"""
    return _exact_scale(site.output, 1 / 256, {"int8": -128, "uint8": 0})


def tanh_scale(site: Site) -> Seen:
    """an output of 8 bits must have scale 1/128 and zero point 0 (uint8: 128)"""
    return _exact_scale(site.output, 1 / 128, {"int8": 0, "uint8": 128})


# ---- Constants and attributes ------------------------------------------------------------------


def constant_weights(site: Site) -> Seen:
    """filter and bias must be known at compile time"""
    return _known(site, 1, 2)


def constant_second(site: Site) -> Seen:
    """the second input must be known at compile time"""
    return _known(site, 1)


def constant_result(site: Site) -> Seen:
    """the result must follow from shapes and constants alone"""
    return False, "computed at run time"


def strides(site: Site) -> Seen:
    """strides must be at least 1"""
    stride_h, stride_w = int_attr(site.op, "stride_h"), int_attr(site.op, "stride_w")
    return min(stride_h, stride_w) >= 1, f"{stride_h} x {stride_w}"


def dilation(site: Site) -> Seen:
    """dilation must be in [1, 64]"""
    for key in ("dilation_h_factor", "dilation_w_factor"):
        if not 1 <= int_attr(site.op, key) <= 64:
            return False, str(site.op.attrs[key])
    return True, ""


def fused_activation(site: Site) -> Seen:
    """fused activation must be NONE, RELU, RELU6 or RELU_N1_TO_1"""
    seen = str(site.op.attrs["fused_activation_function"])
    return seen in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"), seen


def no_activation(site: Site) -> Seen:
    """fused activation must be NONE"""
    seen = str(site.op.attrs["fused_activation_function"])
    return seen == "NONE", seen


def plain_weights(site: Site) -> Seen:
    """weights format must be DEFAULT"""
    seen = str(site.op.attrs["weights_format"])
    return seen == "DEFAULT", seen


def positive_beta(site: Site) -> Seen:
    """beta must be finite and above 0"""
    beta = float_attr(site.op, "beta")
    return bool(np.isfinite(beta)) and beta > 0, str(beta)


def finite_alpha(site: Site) -> Seen:
    """alpha must be finite"""
    alpha = float_attr(site.op, "alpha")
    return bool(np.isfinite(alpha)), str(alpha)


# ---- Shapes ------------------------------------------------------------------------------------


def image_shapes(site: Site) -> Seen:
    """input and output must be [1, H, W, C]"""
    source, output = site.inputs[0].shape, site.output.shape
    ok = len(source) == len(output) == 4 and source[0] == output[0] == 1
    return ok, f"{list(source)} -> {list(output)}"


def conv_filter(site: Site) -> Seen:
    """filter must be [O, KH, KW, C / groups] for C input and O output channels, the bias [O]"""
    channels, outputs = site.inputs[0].shape[3], site.output.shape[3]
    shape = site.inputs[1].shape
    if len(shape) != 4 or shape[0] != outputs or channels % shape[3]:
        return False, _filter_text(site)
    groups = channels // shape[3]
    return outputs % groups == 0 and _bias_fits(site, outputs), _filter_text(site)


def depthwise_filter(site: Site) -> Seen:
    """filter must be [1, KH, KW, C * depth_multiplier] for C input channels, the bias [the last]"""
    channels, outputs = site.inputs[0].shape[3], site.output.shape[3]
    shape = site.inputs[1].shape
    ok = (
        len(shape) == 4
        and (shape[0], shape[3]) == (1, outputs)
        and outputs == channels * int_attr(site.op, "depth_multiplier")
    )
    return ok and _bias_fits(site, outputs), _filter_text(site)


def dense_filter(site: Site) -> Seen:
    """filter must be [N, K] for rows of K values and rows of N results, the bias [N]"""
    shape = site.inputs[1].shape
    if len(shape) != 2 or site.inputs[0].count % shape[1]:
        return False, _filter_text(site)
    rows = site.inputs[0].count // shape[1]
    ok = site.output.shape[-1:] == (shape[0],) and site.output.count == rows * shape[0]
    return ok and _bias_fits(site, shape[0]), _filter_text(site)


def window_size(site: Site) -> Seen:
    """window must be at least 1 x 1"""
    size = (int_attr(site.op, "filter_height"), int_attr(site.op, "filter_width"))
    return min(size) >= 1, f"{size[0]} x {size[1]}"


def output_size(site: Site) -> Seen:
    """output's height and width must follow from input, window, stride, dilation and padding"""
    source, output = site.inputs[0].shape, site.output.shape
    wanted = tuple(_output_length(site, axis) for axis in (1, 2))
    seen = output[1:3]
    return seen == wanted, f"{list(seen)}, not {list(wanted)}, of {list(source)}"


def kept_channels(site: Site) -> Seen:
    """output must have the input's channels"""
    source, output = site.inputs[0].shape, site.output.shape
    return source[3] == output[3], f"{source[3]} -> {output[3]}"


def kept_shape(site: Site) -> Seen:
    """output must have the input's shape"""
    source, output = site.inputs[0].shape, site.output.shape
    return source == output, f"{list(source)} -> {list(output)}"


def not_scalar(site: Site) -> Seen:
    """input must have at least one dimension"""
    return len(site.inputs[0].shape) >= 1, str(list(site.inputs[0].shape))


def stretched_shapes(site: Site) -> Seen:
    """inputs must be of the output's shape, or stretch to it by NumPy's rules: then with at most 4
    dimensions"""
    a, b = (t.shape for t in site.inputs)
    text = f"{list(a)} and {list(b)} -> {list(site.output.shape)}"
    try:
        shape = np.broadcast_shapes(a, b)
    except ValueError:
        return False, text
    return shape == site.output.shape and (a == b or len(shape) <= 4), text


def mean_axes(site: Site) -> Seen:
    """axes must be different ones of the input's, and the output what is left of them"""
    axes, source, output = _integers(site.inputs[1]), site.inputs[0].shape, site.output.shape
    rank = len(source)
    chosen = {a % rank if -rank <= a < rank else -1 for a in axes}
    kept = [d for i, d in enumerate(source) if i not in chosen]
    ok = -1 not in chosen and len(chosen) == len(axes)
    ok = ok and [d for d in output if d != 1] == [d for d in kept if d != 1]
    return ok, f"{axes} of {list(source)} -> {list(output)}"


def pad_amounts(site: Site) -> Seen:
    """paddings must be [rank, 2], rank at most 4, none below 0, and lead to the output's shape"""
    source, output, amounts = site.inputs[0].shape, site.output.shape, site.inputs[1]
    if amounts.shape != (len(source), 2) or len(source) > 4:
        return False, f"{list(amounts.shape)} for {list(source)}"
    flat = _integers(amounts)
    grown = tuple(d + sum(flat[2 * i : 2 * i + 2]) for i, d in enumerate(source))
    ok = min(flat, default=0) >= 0 and grown == output
    return ok, f"{flat} for {list(source)} -> {list(output)}"


def pad_value(site: Site) -> Seen:
    """the value to pad with must be one constant of the input's type and scale"""
    source, value = site.inputs[0], site.inputs[2]
    ok = value.data is not None and value.count == 1
    ok = ok and value.dtype == source.dtype and value.quant == source.quant
    return ok, f"{value.dtype} {list(value.shape)}, {_quant_text(value.quant)}"


def same_count(site: Site) -> Seen:
    """output must have as many values as the input"""
    source, output = site.inputs[0].shape, site.output.shape
    return site.inputs[0].count == site.output.count, f"{list(source)} -> {list(output)}"


def joined_shapes(site: Site) -> Seen:
    """inputs must agree in all dimensions but the axis, and add up to the output there"""
    axis, shapes, output = int_attr(site.op, "axis"), [t.shape for t in site.inputs], site.output
    text = f"{[list(s) for s in shapes]} along {axis} -> {list(output.shape)}"
    rank = len(output.shape)
    if not -rank <= axis < rank or any(len(s) != rank for s in shapes):
        return False, text
    axis %= rank
    rest = {(*s[:axis], *s[axis + 1 :]) for s in (*shapes, output.shape)}
    return len(rest) == 1 and sum(s[axis] for s in shapes) == output.shape[axis], text


def _one_type(tensors: list[Tensor], allowed: tuple[str, ...]) -> Seen:
    seen = [t.dtype for t in tensors]
    return len(set(seen)) == 1 and seen[0] in allowed, ", ".join(seen)


def _has_one_scale(tensor: Tensor) -> bool:
    quant, limits = tensor.quant, np.iinfo(tensor.dtype)
    if quant is None or len(quant.scale) != 1:
        return False
    return bool(limits.min <= quant.zero_point[0] <= limits.max)


def _exact_scale(tensor: Tensor, scale: float, zero_points: dict[str, int]) -> Seen:
    if tensor.dtype == "float32":
        return True, ""
    wanted = Quant((scale,), (zero_points[tensor.dtype],))
    return tensor.quant == wanted, _quant_text(tensor.quant)


def _quant_text(quant: Quant | None) -> str:
    if quant is None:
        return "no scale"
    return f"scale {quant.scale[0]:g}, zero point {quant.zero_point[0]}"


def _known(site: Site, *places: int) -> Seen:
    computed = [t.name for at, t in enumerate(site.inputs) if at in places and t.data is None]
    return not computed, f"computed: '{', '.join(computed)}'"


def _integers(tensor: Tensor) -> list[int]:
    return [int(v) for v in np.asarray(tensor.data).reshape(-1).tolist()]


def _bias_fits(site: Site, count: int) -> bool:
    return len(site.inputs) < 3 or site.inputs[2].count == count


def _filter_text(site: Site) -> str:
    shapes = [list(t.shape) for t in site.inputs[1:]]
    return f"{shapes} for {list(site.inputs[0].shape)} -> {list(site.output.shape)}"


def _output_length(site: Site, axis: int) -> int:
    """Height (axis 1) or width (axis 2) that LiteRT gives the output."""
    op, side = site.op, "hw"[axis - 1]
    stride, length = int_attr(op, f"stride_{side}"), site.inputs[0].shape[axis]
    if op.attrs["padding"] == "SAME":
        return -(-length // stride)
    if op.kind.endswith("POOL_2D"):
        window = int_attr(op, "filter_height" if side == "h" else "filter_width")
    else:
        window = 1 + (site.inputs[1].shape[axis] - 1) * int_attr(op, f"dilation_{side}_factor")
    return (length - window) // stride + 1
