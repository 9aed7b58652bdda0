"""TRANSPOSE_CONV: the gradient of a CONV_2D, as a layer that makes images larger."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph
from relocatable.ops._shared.batch import image_kernel
from relocatable.ops._shared.hybrid import quantize_images, scales_of
from relocatable.ops._shared.images import (
    WINDOW_FIELDS,
    fused_activation,
    output_size_seen,
    random_activation,
    random_batch,
    strides,
)
from relocatable.ops._shared.layer import (
    BIAS_TYPE_ENUM,
    BIAS_TYPE_FIELD,
    BIAS_TYPES,
    FILTER_TYPES,
    HYBRID,
    LAYER_FORMS,
    LAYER_SCALES,
    LAYER_TYPES,
    bias_fits,
    bias_type,
    bounded_sums,
    data_scales,
    filter_scales,
    filter_text,
    fixed_rounding,
    layer_form,
    weighted_types,
)
from relocatable.ops._shared.layer_meaning import finish_layer, real_values
from relocatable.ops._shared.layer_sample import random_bias_type, random_weights
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.resize import table_length
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Rule,
    Seen,
    samples,
)
from relocatable.ops.rules import rule_text
from relocatable.ops.transpose_conv.lower import (
    is_hybrid,
    is_integer,
    layer_of,
    lower_by_bytes,
    lower_dsp,
    lower_mve,
    lower_transposed,
    padding,
)
from relocatable.targets.arm import DSP, MVE_I


def _of_layer(rule: Rule) -> Rule:
    def layer_rule(node: Node) -> Seen:
        return rule(layer_of(node))

    layer_rule.__doc__ = rule_text(rule)
    return layer_rule


def filter_of_channels(node: Node) -> Seen:
    """filter must have one scale, or one for each output channel, and zero point 0; of
    uint8 one scale and any zero point"""
    return filter_scales(node, 0)


def source_image(node: Node) -> Seen:
    """input and output must be [N, H, W, C], and the output as the first operand says; a computed
    one is not looked at"""
    source, output = node.inputs[2].shape, node.output.shape
    wanted = list(output) if node.inputs[0].data is None else node.integers(0)
    ok = len(source) == len(output) == 4 and source[0] == output[0]
    return ok and wanted == list(output), f"{list(source)} -> {list(output)}, {wanted}"


def transposed_filter(node: Node) -> Seen:
    """filter must be [O, KH, KW, C] for C input and O output channels, the bias [O]"""
    layer = layer_of(node)
    source, shape = layer.inputs[0].shape, layer.inputs[1].shape
    channels = node.output.shape[3]
    ok = len(shape) == 4 and (shape[0], shape[3]) == (channels, source[3])
    return ok and min(shape) >= 1 and bias_fits(layer, channels), filter_text(layer)


def source_size(node: Node) -> Seen:
    """input's height and width must be those that a CONV_2D with this window, stride and padding
    makes of the output"""
    back = replace(node, inputs=(node.output,), outputs=(node.inputs[2],))
    _, k_h, k_w, _ = node.inputs[1].shape
    return output_size_seen(back, (k_h, k_w))


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Add each pixel of the input, times the filters, to its place in the output."""
    layer = layer_of(node)
    _, weights, source, *bias = inputs
    if layer_form(layer) == HYBRID:
        values, scale = quantize_images(source, is_asymmetric=True)
        image, filters = values.astype(np.float32), weights.astype(np.float32)
        sums = _sums(node, image, filters, (scales_of(node.inputs[1]), scale))
    else:
        sums = _sums(node, real_values(layer, 0, source), real_values(layer, 1, weights))
    return finish_layer(layer, [source, weights, *bias], sums, fixed_rounding(layer))


def _sums(node: Node, image: Array, filters: Array, scales: tuple[Array, ...] = ()) -> Array:
    out_c, k_h, k_w, in_c = filters.shape
    stride_h, stride_w = node.integer("stride_h"), node.integer("stride_w")
    images, in_h, in_w, _ = image.shape
    _, out_h, out_w, _ = node.output.shape
    size = (images, in_h * stride_h + k_h, in_w * stride_w + k_w, out_c)
    whole = np.zeros(size, filters.dtype)
    for y, x in np.ndindex(in_h, in_w):
        rows, columns = (
            slice(y * stride_h, y * stride_h + k_h),
            slice(x * stride_w, x * stride_w + k_w),
        )
        for c in range(in_c):
            products = filters[..., c].transpose(1, 2, 0) * image[:, y, x, c][:, None, None, None]
            for scale in scales:
                products = products * scale
            whole[:, rows, columns] += products
    top, left = padding(node, 1), padding(node, 2)
    return whole[:, top : top + out_h, left : left + out_w]


def sample(rng: Rng, name: str) -> Graph:
    """Make a graph of one layer, with a bias or without."""
    form = LAYER_FORMS[name]
    dtype = form.data
    same = bool(rng.random() < 0.5)
    h, w, k_h, k_w = (int(v) for v in rng.integers(1, 6, 4))
    s_h, s_w = (int(v) for v in rng.integers(1, 4, 2))
    in_c, out_c = (int(v) for v in rng.integers(1, 10, 2))
    more = [int(rng.integers(0, s)) for s in (s_h, s_w)]
    out_h, out_w = (h * s_h - more[0], w * s_w - more[1])
    if not same:
        out_h, out_w = (h - 1) * s_h + k_h + more[0], (w - 1) * s_w + k_w + more[1]
    b, n = GraphBuilder(), random_batch(rng)
    x = b.input(n, h, w, in_c, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(n, out_h, out_w, out_c, dtype=dtype, quant=random_quant(rng, dtype))
    shape = b.constant([n, out_h, out_w, out_c])
    has_bias = bool(rng.random() < 0.5)
    bias_dtype, option = random_bias_type(rng, form)
    weights, *bias = random_weights(
        rng, b, form, x, y, (out_c, k_h, k_w, in_c), 0, has_bias, bias_dtype
    )
    attrs: dict[str, AttrValue] = {
        "padding": "SAME" if same else "VALID",
        "stride_h": s_h,
        "stride_w": s_w,
        "fused_activation_function": random_activation(rng),
        BIAS_TYPE_FIELD: option,
    }
    return b.graph(b.op("TRANSPOSE_CONV", (shape, weights, x, *bias), y, **attrs))


OPERATORS = (
    Operator(
        kind="TRANSPOSE_CONV",
        options=Options("TransposeConvOptions", (*WINDOW_FIELDS, BIAS_TYPE_FIELD), BIAS_TYPE_ENUM),
        operands=(
            Operand("output shape", INTEGERS),
            Operand("filter", FILTER_TYPES, constant=True),
            Operand("input", LAYER_TYPES),
            Operand("bias", BIAS_TYPES, constant=True, optional=True),
        ),
        output=LAYER_TYPES,
        rules=(
            *(_of_layer(weighted_types), _of_layer(data_scales), filter_of_channels),
            *(source_image, table_length, transposed_filter, strides, fused_activation),
            *map(_of_layer, (bias_type, *LAYER_SCALES, bounded_sums(0))),
        ),
        shape=source_size,
        evaluate=evaluate,
        kernels=(
            image_kernel(Kernel(lower_by_bytes, takes=is_hybrid), 2),
            image_kernel(Kernel(lower_mve, needs=(MVE_I,), takes=is_integer), 2),
            image_kernel(
                Kernel(lower_dsp, needs=(DSP,), without=(MVE_I,), takes=is_integer),
                2,
            ),
            image_kernel(Kernel(lower_transposed), 2),
        ),
        version=4,
        samples=samples(sample, tuple(LAYER_FORMS)),
    ),
)
