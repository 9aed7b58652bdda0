"""CONV_2D, with groups and dilation.

By LiteRT's rules a layer of float32 by int8 has inputs with a zero point if and only if the scales
of its channels differ.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.batch import image_kernel
from relocatable.ops._shared.hybrid import (
    dot_kernels,
    finish_hybrid,
    has_several_scales,
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
    BIAS_TYPE_ENUM,
    BIAS_TYPE_FIELD,
    CONV_FIELDS,
    HYBRID,
    LAYER_FORMS,
    LAYER_OPERANDS,
    LAYER_SCALES,
    LAYER_TYPES,
    bias_fits,
    bias_type,
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
from relocatable.ops.conv_2d.lower import (
    is_whole,
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
    return filter_scales(node, 0)


def conv_filter(node: Node) -> Seen:
    """filter must be [O, KH, KW, C / groups] for C input and O output channels, the bias [O]"""
    channels, outputs = node.inputs[0].shape[3], node.output.shape[3]
    shape = node.inputs[1].shape
    if len(shape) != 4 or shape[0] != outputs or channels % shape[3]:
        return False, filter_text(node)
    groups = channels // shape[3]
    return outputs % groups == 0 and bias_fits(node, outputs), filter_text(node)


def hybrid_groups(node: Node) -> Seen:
    """a layer of float32 by int8 that has groups must have channels of different scales, and each
    of its sums at most 65536 products"""
    shape = node.inputs[1].shape
    if layer_form(node) != HYBRID:
        return True, ""
    has_groups = shape[3] != node.inputs[0].shape[3]
    seen = f"{node.inputs[0].shape[3] // shape[3]} groups, filter {list(shape)}"
    ok = not has_groups or has_several_scales(node.inputs[1])
    return ok and sums_of_bytes(node, shape[1] * shape[2] * shape[3])[0], seen


def output_size(node: Node) -> Seen:
    """output's height and width must follow from input, window, stride, dilation and padding"""
    return output_size_seen(node, dilated_window(node))


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Sum the products of each window with the filters of its group."""
    if layer_form(node) != HYBRID:
        image, filters = (real_values(node, i, inputs[i]) for i in (0, 1))
        return finish_layer(node, inputs, _sums(node, image, filters), fixed_rounding(node))
    several = has_several_scales(node.inputs[1])
    values, scale = quantize_images(inputs[0], is_asymmetric=several)
    sums = _sums(node, values, inputs[1].astype(np.int64))
    return finish_hybrid(
        node, real_sums(sums, scales_of(node.inputs[1]), scale, several), inputs[2:]
    )


def _sums(node: Node, image: Array, filters: Array) -> Array:
    outputs, k_h, k_w, depth = filters.shape
    seen = patches(node, image, k_h, k_w, 0).astype(filters.dtype)
    by_group = seen.reshape(*seen.shape[:5], -1, 1, depth)
    grouped = filters.reshape(by_group.shape[5], -1, k_h, k_w, depth).transpose(2, 3, 0, 1, 4)
    # The sums' dimensions come last: [N, OH, OW, group, O / group, k_h, k_w, depth].
    products = np.moveaxis(by_group * grouped, (3, 4), (5, 6))
    return sum_in_order(products.reshape(*seen.shape[:3], outputs, -1))


def sample(rng: Rng, form: str) -> Graph:
    """Make a graph of one layer."""
    return convolution_sample(rng, "CONV_2D", form)


OPERATORS = (
    Operator(
        kind="CONV_2D",
        options=Options(
            "Conv2DOptions", (*WINDOW_FIELDS, *CONV_FIELDS, BIAS_TYPE_FIELD), BIAS_TYPE_ENUM
        ),
        operands=LAYER_OPERANDS,
        output=LAYER_TYPES,
        rules=(
            *(weighted_types, data_scales, filter_of_channels, image_shapes, conv_filter),
            *(hybrid_groups, strides, dilation, fused_activation, bias_type),
            *(*LAYER_SCALES, bounded_sums(0)),
        ),
        shape=output_size,
        evaluate=evaluate,
        kernels=(
            *map(image_kernel, dot_kernels(lower_by_bytes)),
            image_kernel(Kernel(lower_mve, needs=(MVE_I,), takes=is_whole)),
            image_kernel(Kernel(lower_dsp, needs=(DSP,), takes=is_whole)),
            image_kernel(Kernel(lower_plain)),
        ),
        version=3,
        samples=samples(sample, tuple(LAYER_FORMS)),
    ),
)
