"""CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED against LiteRT, over shapes, windows and scales."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.graph.graph import Graph, Quant
from relocatable.passes.fold_pad import fold_pad
from tests.make_graph import CONV, GraphBuilder
from tests.make_tflite import make_tflite
from tests.numeric.harness import check, random_quant

ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
Rng = np.random.Generator


def length(size: int, k: int, stride: int, dilation: int, same: bool) -> int:
    return -(-size // stride) if same else -(-(size - (k - 1) * dilation) // stride)


def filter_quant(rng: Rng, channels: int, axis: int, factor: float) -> Quant:
    """Scales of the weights such that most outputs are neither clamped nor all alike."""
    count = channels if rng.random() < 0.8 and channels > 1 else 1
    scales = factor * np.exp(rng.normal(0, 0.7, count))
    values = tuple(float(np.float32(s)) for s in scales)
    return Quant(values, (0,) * count, axis if count > 1 else None)


def weighted(
    rng: Rng, kind: str, dtype: str, b: GraphBuilder, x: int, y: int, shape: tuple
) -> list:
    """Filter and, mostly, bias of a layer of int8 or float32."""
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    channels = shape[axis]
    bias = kind == "CONV_2D" or rng.random() < 0.8  # LiteRT's CONV_2D wants one
    if dtype == "float32":
        found = [b.constant(rng.normal(0, 0.5, shape), "float32")]
        return found + ([b.constant(rng.normal(0, 1, channels), "float32")] if bias else [])
    terms = np.prod(shape) / channels
    in_scale, out_scale = b.tensors[x].quant.scale[0], b.tensors[y].quant.scale[0]
    factor = out_scale / in_scale / 60 / np.sqrt(terms) * rng.choice([0.05, 1, 1, 4])
    quant = filter_quant(rng, channels, axis, factor)
    found = [b.constant(rng.integers(-127, 128, shape), "int8", quant)]
    if bias:
        scales = tuple(float(np.float32(in_scale * s)) for s in quant.scale)
        spread = int(60 / min(factor * in_scale / out_scale, 1))
        values = rng.integers(-spread, spread, channels)
        found.append(b.constant(values, "int32", Quant(scales, quant.zero_point, quant.axis and 0)))
    return found


def conv(rng: Rng, kind: str, dtype: str, k: int = 0) -> Graph:
    """One layer; with k by windows of k x k, undilated."""
    k_h, k_w = (int(v) for v in rng.integers(1, 6, 2))
    dilated = rng.random() < 0.3 and not k
    d_h, d_w = (int(v) for v in rng.integers(1, 4, 2)) if dilated else (1, 1)
    s_h, s_w = (1, 1) if dilated and rng.random() < 0.5 else (int(v) for v in rng.integers(1, 4, 2))
    if k or rng.random() < 0.2:
        k_h = k_w = k or 1
    h = int(rng.integers((k_h - 1) * d_h + 1, (k_h - 1) * d_h + 9))
    w = int(rng.integers((k_w - 1) * d_w + 1, (k_w - 1) * d_w + 9))
    same = bool(rng.random() < 0.6)
    in_c = int(rng.choice([1, 2, 3, 4, 5, 8, 16, 17]))
    out_c = in_c * int(rng.integers(1, 4)) if kind != "CONV_2D" else int(rng.integers(1, 20))
    out_h, out_w = length(h, k_h, s_h, d_h, same), length(w, k_w, s_w, d_w, same)
    b = GraphBuilder()
    x = b.input(1, h, w, in_c, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(1, out_h, out_w, out_c, dtype=dtype, quant=random_quant(rng, dtype))
    attrs = {
        "padding": "SAME" if same else "VALID",
        "stride_h": s_h,
        "stride_w": s_w,
        "dilation_h_factor": d_h,
        "dilation_w_factor": d_w,
        "fused_activation_function": str(rng.choice(ACTIVATIONS)),
    }
    if kind == "CONV_2D":
        groups = int(rng.choice([1, 1, 1, in_c])) if out_c % in_c == 0 else 1
        shape = (out_c, k_h, k_w, in_c // groups)
    else:
        attrs["depth_multiplier"] = out_c // in_c
        shape = (1, k_h, k_w, out_c)
    return b.op(kind, (x, *weighted(rng, kind, dtype, b, x, y, shape)), y, **attrs) and b.graph(y)


def dense(rng: Rng, dtype: str) -> Graph:
    rows, in_c, out_c = (
        int(rng.choice([1, 1, 3])),
        int(rng.integers(1, 70)),
        int(rng.integers(1, 30)),
    )
    b = GraphBuilder()
    x = b.input(rows, in_c, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(rows, out_c, dtype=dtype, quant=random_quant(rng, dtype))
    inputs = [x, *weighted(rng, "FULLY_CONNECTED", dtype, b, x, y, (out_c, in_c))]
    attrs = {
        "fused_activation_function": str(rng.choice(ACTIVATIONS)),
        "weights_format": "DEFAULT",
        "keep_num_dims": False,
    }
    return b.op("FULLY_CONNECTED", inputs, y, **attrs) and b.graph(y)


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_convolutions(kind: str, dtype: str, optimize: str) -> None:
    rng = np.random.default_rng(11)
    check([conv(rng, kind, dtype) for _ in range(40 if optimize == "size" else 15)], optimize)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_fully_connected(dtype: str) -> None:
    rng = np.random.default_rng(12)
    check([dense(rng, dtype) for _ in range(40)], "size")


def extreme(rng: Rng, kind: str) -> Graph:
    """One 1x1 layer whose scales and biases are far from what converters write."""
    in_c, out_c = 5, 6
    b = GraphBuilder()
    dims = (1, 4) if kind == "FULLY_CONNECTED" else (1, 2, 2)
    x = b.input(*dims[:-1] if len(dims) == 2 else dims, in_c, quant=random_quant(rng))
    y = b.tensor(*b.tensors[x].shape[:-1], out_c, quant=random_quant(rng))
    in_scale, out_scale = b.tensors[x].quant.scale[0], b.tensors[y].quant.scale[0]
    # LiteRT's FULLY_CONNECTED is undefined where the scaled sum leaves int32.
    most = -2 if kind == "FULLY_CONNECTED" else 12
    factors = 2.0 ** rng.uniform(
        *[(-33, -20), (-12, -2), (-2, most), (-30, most)][rng.integers(4)], out_c
    )
    scales = tuple(float(np.float32(f * out_scale / in_scale)) for f in factors)
    if rng.random() < 0.3:
        zero = int(rng.integers(-20, 20)) if kind == "FULLY_CONNECTED" else 0
        quant = Quant(scales[:1], (zero,))
    else:
        quant = Quant(scales, (0,) * out_c, 0)
    shape = (out_c, in_c) if kind == "FULLY_CONNECTED" else (out_c, 1, 1, in_c)
    w = b.constant(rng.choice([-128, -127, 0, 1, 127], shape), "int8", quant)
    largest = [100, 1 << 20, (1 << 31) - 1][rng.integers(3)]
    bias_quant = Quant((float(np.float32(scales[0] * in_scale)),), (0,))
    bias = b.constant(rng.integers(-largest, largest + 1, out_c), "int32", bias_quant)
    attrs = dict(CONV)
    if kind == "FULLY_CONNECTED":
        attrs = {"weights_format": "DEFAULT", "keep_num_dims": False}
    attrs["fused_activation_function"] = str(rng.choice(ACTIVATIONS))
    return b.op(kind, (x, w, bias), y, **attrs) and b.graph(y)


@pytest.mark.parametrize("kind", ["CONV_2D", "FULLY_CONNECTED"])
def test_extreme_scales_and_biases(kind: str) -> None:
    rng = np.random.default_rng(13)
    check([extreme(rng, kind) for _ in range(150)], "size")


def deep(rng: Rng) -> Graph:
    """A layer of many and large weights, whose last channel is dead behind a huge bias."""
    in_c, out_c = int(rng.integers(500, 2500)), int(rng.integers(2, 5))
    b = GraphBuilder()
    x = b.input(1, *(int(v) for v in rng.integers(1, 4, 2)), in_c, quant=random_quant(rng))
    y = b.tensor(*b.tensors[x].shape[:-1], out_c, quant=random_quant(rng))
    in_scale, out_scale = b.tensors[x].quant.scale[0], b.tensors[y].quant.scale[0]
    scale = float(np.float32(out_scale / in_scale / 100 / np.sqrt(in_c)))
    values = rng.integers(-127, 128, (out_c, 1, 1, in_c)) | 64
    values[-1] = 0
    w = b.constant(values, "int8", Quant((scale,) * out_c, (0,) * out_c, 0))
    bias = rng.integers(-1000, 1000, out_c)
    bias[-1] = int(rng.choice([-1, 1])) << 30
    terms = b.constant(bias, "int32", Quant((in_scale * scale,) * out_c, (0,) * out_c, 0))
    attrs = {**CONV, "fused_activation_function": str(rng.choice(ACTIVATIONS))}
    return b.op("CONV_2D", (x, w, terms), y, **attrs) and b.graph(y)


def test_many_large_weights() -> None:
    rng = np.random.default_rng(15)
    check([deep(rng) for _ in range(12)])


def padded(rng: Rng, kind: str) -> Graph:
    """A PAD before a convolution."""
    h, w, c = (int(v) for v in rng.integers(1, 8, 3))
    top, bottom, left, right = (int(v) for v in rng.integers(0, 13, 4))
    k_h = int(rng.integers(1, min(4, h + top + bottom) + 1))
    k_w = int(rng.integers(1, min(4, w + left + right) + 1))
    s_h, s_w = (int(v) for v in rng.integers(1, 12, 2))
    out_c = c if kind != "CONV_2D" else int(rng.integers(1, 9))
    b = GraphBuilder()
    quant = random_quant(rng)
    x = b.input(1, h, w, c, quant=quant)
    in_h, in_w = h + top + bottom, w + left + right
    amounts = b.constant([[0, 0], [top, bottom], [left, right], [0, 0]])
    wide = b.op("PAD", (x, amounts), b.tensor(1, in_h, in_w, c, quant=quant))
    out_h, out_w = (in_h - k_h) // s_h + 1, (in_w - k_w) // s_w + 1
    y = b.tensor(1, out_h, out_w, out_c, quant=random_quant(rng))
    shape = (out_c, k_h, k_w, c) if kind == "CONV_2D" else (1, k_h, k_w, c)
    attrs = {**CONV, "stride_h": s_h, "stride_w": s_w}
    if kind != "CONV_2D":
        attrs["depth_multiplier"] = 1
    inputs = (wide, *weighted(rng, kind, "int8", b, x, y, shape))
    return b.op(kind, inputs, y, **attrs) and b.graph(y)


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_folded_pads(kind: str) -> None:
    rng = np.random.default_rng(14)
    graphs = [padded(rng, kind) for _ in range(40)]
    check([fold_pad(g) for g in graphs], "size", models=[make_tflite(g) for g in graphs])
