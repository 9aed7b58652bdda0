"""DEPTHWISE_CONV_2D, with multiplier and dilation."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.batch import image_kernel
from relocatable.ops._shared.hybrid import (
    finish_hybrid,
    is_hybrid,
    quantize_images,
    real_sums,
    scales_of,
    sums_of_bytes,
)
from relocatable.ops._shared.images import (
    WINDOW_FIELDS,
    fused_activation,
    image_shapes,
    output_size_seen,
    patches,
    strides,
)
from relocatable.ops._shared.layer import (
    CONV_FIELDS,
    HYBRID,
    LAYER_FORMS,
    LAYER_OPERANDS,
    LAYER_SCALES,
    LAYER_TYPES,
    bias_fits,
    bounded_sums,
    data_scales,
    dilated_window,
    dilation,
    filter_scales,
    filter_text,
    fixed_rounding,
    layer_form,
    weighted_types,
)
from relocatable.ops._shared.layer_meaning import finish_layer, real_values, sum_in_order
from relocatable.ops._shared.layer_sample import convolution_sample
from relocatable.ops.depthwise_conv_2d.lower import (
    is_for_dsp,
    is_for_mve,
    lower_by_bytes,
    lower_dsp,
    lower_mve,
    lower_plain,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operator, Options, Rng, Seen, samples
from relocatable.targets.arm import DSP, MVE_I


def filter_of_channels(node: Node) -> Seen:
    """filter must have one scale, or one for each output channel, and zero point 0; of
    uint8 one scale and any zero point"""
    return filter_scales(node, 3)


def depthwise_filter(node: Node) -> Seen:
    """filter must be [1, KH, KW, C * depth_multiplier] for C input channels, the bias [the last]"""
    channels, outputs = node.inputs[0].shape[3], node.output.shape[3]
    shape = node.inputs[1].shape
    ok = (
        len(shape) == 4
        and (shape[0], shape[3]) == (1, outputs)
        and outputs == channels * node.integer("depth_multiplier")
    )
    return ok and bias_fits(node, outputs), filter_text(node)


def hybrid_scales(node: Node) -> Seen:
    """filter of a layer of float32 by int8 must have a scale for each output channel, and at most
    65536 taps"""
    if layer_form(node) != HYBRID:
        return True, ""
    _, k_h, k_w, channels = node.inputs[1].shape
    count = len(scales_of(node.inputs[1]))
    seen = f"{count} scales, {channels} channels, {k_h} x {k_w}"
    return count == channels and sums_of_bytes(node, k_h * k_w)[0], seen


def long_bias(node: Node) -> Seen:
    """bias of a 16-bit layer must be int64"""
    seen = [t.dtype for t in node.inputs[2:]]
    return node.output.dtype != "int16" or seen in ([], ["int64"]), str(seen)


def output_size(node: Node) -> Seen:
    """output's height and width must follow from input, window, stride, dilation and padding"""
    return output_size_seen(node, dilated_window(node))


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Sum the products of each channel's window with the filters of that channel."""
    if layer_form(node) != HYBRID:
        image, filters = (real_values(node, i, inputs[i]) for i in (0, 1))
        return finish_layer(node, inputs, _sums(node, image, filters), fixed_rounding(node))
    values, scale = quantize_images(inputs[0], is_asymmetric=True)
    sums = _sums(node, values, inputs[1].astype(np.int64))
    return finish_hybrid(node, real_sums(sums, scales_of(node.inputs[1]), scale, False), inputs[2:])


def _sums(node: Node, image: Array, weights: Array) -> Array:
    [filters] = weights
    k_h, k_w, _ = filters.shape
    seen = patches(node, image, k_h, k_w, 0).astype(filters.dtype)
    products = np.repeat(seen, node.integer("depth_multiplier"), axis=5) * filters
    by_channel = np.moveaxis(products, 5, 3)  # [N, OH, OW, C, k_h, k_w]
    return sum_in_order(by_channel.reshape(*by_channel.shape[:4], -1))


def sample(rng: Rng, form: str) -> Graph:
    """Make a graph of one layer."""
    return convolution_sample(rng, "DEPTHWISE_CONV_2D", form)


OPERATORS = (
    Operator(
        kind="DEPTHWISE_CONV_2D",
        options=Options(
            "DepthwiseConv2DOptions", (*WINDOW_FIELDS, *CONV_FIELDS, "depth_multiplier")
        ),
        operands=LAYER_OPERANDS,
        output=LAYER_TYPES,
        rules=(
            *(weighted_types, data_scales, filter_of_channels, image_shapes, depthwise_filter),
            *(hybrid_scales, strides, dilation, fused_activation, long_bias),
            *(*LAYER_SCALES, bounded_sums(3)),
        ),
        shape=output_size,
        evaluate=evaluate,
        kernels=(
            image_kernel(Kernel(lower_by_bytes, takes=is_hybrid)),
            image_kernel(Kernel(lower_mve, needs=(MVE_I,), takes=is_for_mve)),
            image_kernel(Kernel(lower_dsp, needs=(DSP,), takes=is_for_dsp)),
            image_kernel(Kernel(lower_plain)),
        ),
        version=3,
        samples=samples(sample, tuple(LAYER_FORMS)),
    ),
)
