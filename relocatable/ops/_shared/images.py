"""What operators with a window over an image share: options, rules, meaning."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import AttrValue
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Rng, Seen

WINDOW_FIELDS = ("padding", "stride_w", "stride_h", "fused_activation_function")
ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")


def image_shapes(node: Node) -> Seen:
    """input and output must be [N, H, W, C]"""
    source, output = node.inputs[0].shape, node.output.shape
    ok = len(source) == len(output) == 4 and source[0] == output[0]
    return ok, f"{list(source)} -> {list(output)}"


def strides(node: Node) -> Seen:
    """strides must be at least 1"""
    stride_h, stride_w = node.integer("stride_h"), node.integer("stride_w")
    return min(stride_h, stride_w) >= 1, f"{stride_h} x {stride_w}"


def fused_activation(node: Node) -> Seen:
    """fused activation must be NONE, RELU, RELU6 or RELU_N1_TO_1"""
    return node.activation in ACTIVATIONS, node.activation


def output_length(node: Node, axis: int, window: int) -> int:
    """Compute the height (axis 1) or width (axis 2) that LiteRT gives the output.

    Args:
        node: with options for strides and padding.
        axis: of the image.
        window: pixels that the window covers along it.
    """
    stride, length = node.integer(f"stride_{'hw'[axis - 1]}"), node.inputs[0].shape[axis]
    if node.op.attrs["padding"] == "SAME":
        return -(-length // stride)
    return (length - window) // stride + 1


def output_size_seen(node: Node, windows: tuple[int, int]) -> Seen:
    """Compare the output's height and width with those of a window."""
    source, output = node.inputs[0].shape, node.output.shape
    wanted = tuple(output_length(node, axis, windows[axis - 1]) for axis in (1, 2))
    seen = output[1:3]
    return seen == wanted, f"{list(seen)}, not {list(wanted)}, of {list(source)}"


def patches(node: Node, image: Array, k_h: int, k_w: int, outside: Array | float) -> Array:
    """Cut out what each position of a window sees.

    Args:
        node: with options for strides, padding and, perhaps, dilation.
        image: values [N, H, W, C].
        k_h: rows of the window.
        k_w: columns of the window.
        outside: value of what is not in the image.

    Returns:
        An array [N, OH, OW, k_h, k_w, C].
    """
    _, out_h, out_w, _ = node.output.shape
    rows, inside_h = _positions(node, 1, k_h, out_h)
    columns, inside_w = _positions(node, 2, k_w, out_w)
    found = image[:, rows[:, None, :, None], columns[None, :, None, :]]
    inside = inside_h[:, None, :, None] & inside_w[None, :, None, :]
    return np.where(inside[..., None], found, outside)


def _positions(node: Node, axis: int, k: int, out: int) -> tuple[Array, Array]:
    """Find the rows or columns that each position sees, [out, k]; tell which exist."""
    side, length = "hw"[axis - 1], node.inputs[0].shape[axis]
    stride, dilation = node.integer(f"stride_{side}"), 1
    if f"dilation_{side}_factor" in node.op.attrs:
        dilation = node.integer(f"dilation_{side}_factor")
    before = 0
    if node.op.attrs["padding"] == "SAME":
        before = max(0, ((out - 1) * stride + (k - 1) * dilation + 1 - length) // 2)
    at = np.arange(out)[:, None] * stride - before + np.arange(k)[None, :] * dilation
    return np.clip(at, 0, length - 1), (at >= 0) & (at < length)


def random_length(size: int, k: int, stride: int, dilation: int, same: bool) -> int:
    """Compute the length of an output, for samples."""
    return -(-size // stride) if same else -(-(size - (k - 1) * dilation) // stride)


def random_batch(rng: Rng) -> int:
    """Choose a number of images, for samples."""
    return int(rng.choice([1, 1, 2, 3]))


def random_activation(rng: Rng) -> AttrValue:
    """Choose a fused activation, for samples."""
    return str(rng.choice(ACTIVATIONS))
