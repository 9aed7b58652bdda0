"""MaxPoolingWithArgmax2D and MaxUnpooling2D of MediaPipe.

LiteRT has no such operators: the reference are MediaPipe's published kernels
(mediapipe/util/tflite/operations/max_pool_argmax.cc, max_unpooling.cc), which are of float32 alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Tensor
from relocatable.ops._shared.fixed_point import float_clamp
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Rng,
    Seen,
    StructOptions,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

POOLING, UNPOOLING = "CUSTOM MaxPoolingWithArgmax2D", "CUSTOM MaxUnpooling2D"
_SOURCE = "max_unpooling_2d/max_unpooling_2d.c"
_FIELDS = (
    *("padding", "stride_width", "stride_height"),
    *("filter_width", "filter_height", "activation"),
)
_SAME, _VALID = 1, 2  # of TfLitePadding
_ACTIVATIONS = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6")  # of TfLiteFusedActivation
_FLOAT = ("float32",)


def pool_options(node: Node) -> Seen:
    """padding must be 1 (SAME) or 2 (VALID), strides and window in [1, 1024], the activation none
    or one of RELU, RELU_N1_TO_1 and RELU6"""
    found = [node.integer(field) for field in _FIELDS]
    ok = found[0] in (_SAME, _VALID) and all(1 <= v <= 1024 for v in found[1:5])
    return ok and 0 <= found[5] < len(_ACTIVATIONS), str(found)


def pooled_shapes(node: Node) -> list[tuple[int, ...]]:
    """Find the shape of maxima and places."""
    if len(node.inputs) != 1 or len(node.inputs[0].shape) != 4:
        return []
    batch, *sizes, channels = node.inputs[0].shape
    strides, window = _strides(node), _window(node)
    if min(strides) < 1:
        return []
    less = [1, 1] if node.integer("padding") == _SAME else window
    out = [(size - k + s) // s for size, k, s in zip(sizes, less, strides, strict=True)]
    return [(batch, *out, channels)] * 2


def unpooled_shapes(node: Node) -> list[tuple[int, ...]]:
    """Find the shape of the image."""
    if len(node.inputs) != 2 or len(node.inputs[0].shape) != 4:
        return []
    batch, h, w, channels = node.inputs[0].shape
    k_h, k_w = _window(node)
    return [(batch, h * k_h, w * k_w, channels)]


def pooled_images(node: Node) -> Seen:
    """input must be [1, H, W, C], and both outputs as its window, stride and padding make them"""
    shapes = [t.shape for t in node.outputs]
    return _has_one_image(node) and shapes == pooled_shapes(node), str([list(s) for s in shapes])


def unpooled_image(node: Node) -> Seen:
    """inputs must be two of [1, H, W, C], and the output as many windows high and wide"""
    shapes = [t.shape for t in (*node.inputs, node.output)]
    ok = _has_one_image(node) and shapes[0] == shapes[1]
    return ok and shapes[2:] == unpooled_shapes(node), str([list(s) for s in shapes])


def _has_one_image(node: Node) -> bool:
    shape = node.inputs[0].shape
    return len(shape) == 4 and shape[0] == 1


def _strides(node: Node) -> list[int]:
    return [node.integer("stride_height"), node.integer("stride_width")]


def _window(node: Node) -> list[int]:
    return [node.integer("filter_height"), node.integer("filter_width")]


def _padding(node: Node, image: Tensor, pooled: Tensor) -> list[int]:
    sizes = zip(image.shape[1:3], pooled.shape[1:3], _window(node), _strides(node), strict=True)
    return [max(0, ((out - 1) * s + k - size) // 2) for size, out, k, s in sizes]


def _activation(node: Node) -> tuple[float, float]:
    return float_clamp(_ACTIVATIONS[node.integer("activation")])


def _params(node: Node, image: Tensor, pooled: Tensor) -> dict[str, CValue]:
    (k_h, k_w), (stride_h, stride_w) = _window(node), _strides(node)
    pad_top, pad_left = _padding(node, image, pooled)
    low, high = _activation(node)
    return {
        "image_h": image.shape[1],
        "image_w": image.shape[2],
        "pooled_h": pooled.shape[1],
        "pooled_w": pooled.shape[2],
        "channels": image.shape[3],
        "k_h": k_h,
        "k_w": k_w,
        "stride_h": stride_h,
        "stride_w": stride_w,
        "pad_top": pad_top,
        "pad_left": pad_left,
        "low": low,
        "high": high,
    }


def lower_pooling(site: Site) -> KernelCall:
    """Lower the search for maxima."""
    node = site.node
    params = _params(node, node.inputs[0], node.output)
    pointers = (Input(0), Output(), Output(index=1))
    call = CCall("xn_max_pooling_argmax", pointers, params, "xn_argmax_params")
    return site.call(_SOURCE, call, macs=math.prod((*_window(node), node.output.count)))


def lower_unpooling(site: Site) -> KernelCall:
    """Lower the way back."""
    node = site.node
    params = _params(node, node.output, node.inputs[0])
    pointers = (Input(0), Input(1), Output())
    call = CCall("xn_max_unpooling", pointers, params, "xn_argmax_params")
    return site.call(_SOURCE, call, inputs=(0, 1))


def evaluate_pooling(node: Node, inputs: list[Array]) -> tuple[Array, ...]:
    """Find the first maximum of each window, and its place."""
    image, (k_h, k_w), strides = inputs[0][0], _window(node), _strides(node)
    top, left = _padding(node, node.inputs[0], node.output)
    shape = (k_h + node.output.shape[1] * strides[0], k_w + node.output.shape[2] * strides[1])
    least = np.finfo(np.float32).min
    size = [max(a, b + pad) for a, b, pad in zip(shape, image.shape, (top, left), strict=False)]
    whole = np.full((*size, image.shape[2]), least, np.float32)
    whole[top : top + image.shape[0], left : left + image.shape[1]] = image
    windows = np.lib.stride_tricks.sliding_window_view(whole, (k_h, k_w), (0, 1))
    windows = windows[:: strides[0], :: strides[1]]
    windows = windows[: node.output.shape[1], : node.output.shape[2]]
    flat = windows.reshape(*windows.shape[:3], -1)
    maxima, places = flat.max(axis=-1), flat.argmax(axis=-1)
    places[maxima == least] = 0
    low, high = (np.float32(v) for v in _activation(node))
    clamped = np.clip(maxima, low, high)
    return clamped[None], places.astype(np.float32)[None] + np.float32(0.1)


def evaluate_unpooling(node: Node, inputs: list[Array]) -> Array:
    """Put each value to its place."""
    pooled, places = inputs[0][0], inputs[1][0]
    (_, k_w), (stride_h, stride_w) = _window(node), _strides(node)
    top, left = _padding(node, node.output, node.inputs[0])
    image = np.zeros(node.output.shape[1:], np.float32)
    for y, x, c in np.ndindex(*pooled.shape):
        place = int(places[y, x, c])
        row, column = abs(place) // k_w, abs(place) % k_w
        sign = -1 if place < 0 else 1
        to_y, to_x = y * stride_h - top + sign * row, x * stride_w - left + sign * column
        if 0 <= to_y < image.shape[0] and 0 <= to_x < image.shape[1]:
            image[to_y, to_x, c] = pooled[y, x, c]
    return image[None]


def _attrs(rng: Rng, limits: Sequence[int]) -> dict[str, AttrValue]:
    window = [int(rng.integers(1, limit)) for limit in limits]
    numbers = [int(rng.integers(1, 3)), *(int(v) for v in rng.integers(1, 4, 2)), *window]
    return dict(zip(_FIELDS, (*numbers, int(rng.integers(0, 4))), strict=True))


def sample_pooling(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one search for maxima."""
    h, w, channels = (int(v) for v in rng.integers(1, 9, 3))
    b = GraphBuilder()
    x = b.input(1, h, w, channels, dtype=dtype)
    outputs = [b.tensor(1, 1, 1, channels, dtype=dtype) for _ in range(2)]
    b.op(POOLING, (x,), *outputs, **_attrs(rng, (w + 1, h + 1)))
    shape = pooled_shapes(Node.of(b.graph(*outputs), b.ops[0]))[0]
    for i in outputs:
        b.tensors[i] = Tensor(b.tensors[i].name, shape, dtype)
    return b.graph(*outputs)


def sample_unpooling(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one way back; some places are outside of the image."""
    h, w, channels = (int(v) for v in rng.integers(1, 6, 3))
    b = GraphBuilder()
    x, places = (b.input(1, h, w, channels, dtype=dtype) for _ in range(2))
    y = b.tensor(1, 1, 1, channels, dtype=dtype)
    b.op(UNPOOLING, (x, places), y, **_attrs(rng, (4, 4)))
    [shape] = unpooled_shapes(Node.of(b.graph(y), b.ops[0]))
    b.tensors[y] = Tensor(b.tensors[y].name, shape, dtype)
    return b.graph(y)


OPERATORS = (
    Operator(
        kind=POOLING,
        options=StructOptions(_FIELDS),
        operands=(Operand("input", _FLOAT),),
        output=_FLOAT,
        outputs=(2, 2),
        rules=(pool_options,),
        shape=pooled_images,
        output_shapes=pooled_shapes,
        kernels=(Kernel(lower_pooling),),
        evaluate=evaluate_pooling,
        reference="MediaPipe",
        version=1,
        samples=samples(sample_pooling, _FLOAT),
    ),
    Operator(
        kind=UNPOOLING,
        options=StructOptions(_FIELDS),
        operands=(Operand("input", _FLOAT), Operand("places", _FLOAT)),
        output=_FLOAT,
        rules=(pool_options,),
        shape=unpooled_image,
        output_shapes=unpooled_shapes,
        kernels=(Kernel(lower_unpooling),),
        evaluate=evaluate_unpooling,
        reference="MediaPipe",
        version=1,
        samples=samples(sample_unpooling, _FLOAT),
    ),
)
