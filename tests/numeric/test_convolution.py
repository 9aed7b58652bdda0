"""Layers with weights against LiteRT, over shapes, windows and scales."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relocatable.codegen.toolchain import CodeOptimize
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.ops._shared.images import random_activation
from relocatable.ops._shared.layer import HYBRID, LAYER_FORMS
from relocatable.ops._shared.layer_sample import random_weights
from relocatable.ops._shared.random import random_quant
from relocatable.passes.fold_pad import fold_pad
from relocatable.read_tflite import read_tflite
from tests.make_graph import CONV, GraphBuilder
from tests.make_tflite import make_tflite
from tests.numeric.harness import check, quant_of, sample

Rng = np.random.Generator


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_convolutions(kind: str, dtype: str, optimize: CodeOptimize) -> None:
    rng = np.random.default_rng(11)
    check([sample(rng, kind, dtype) for _ in range(40 if optimize == "size" else 15)], optimize)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_fully_connected(dtype: str) -> None:
    rng = np.random.default_rng(12)
    check([sample(rng, "FULLY_CONNECTED", dtype) for _ in range(40)], "size")


def extreme(rng: Rng, kind: str) -> Graph:
    """One 1x1 layer whose scales and biases are far from what converters write."""
    in_c, out_c = 5, 6
    b = GraphBuilder()
    dims = (1, 4) if kind == "FULLY_CONNECTED" else (1, 2, 2)
    x = b.input(*dims[:-1] if len(dims) == 2 else dims, in_c, quant=random_quant(rng))
    y = b.tensor(*b.tensors[x].shape[:-1], out_c, quant=random_quant(rng))
    in_scale, out_scale = quant_of(b, x).scale[0], quant_of(b, y).scale[0]
    # LiteRT's FULLY_CONNECTED is undefined if the scaled sum leaves int32.
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
    attrs: dict[str, AttrValue] = dict(CONV)
    if kind == "FULLY_CONNECTED":
        attrs = {"weights_format": "DEFAULT", "keep_num_dims": False}
    attrs["fused_activation_function"] = random_activation(rng)
    return b.graph(b.op(kind, (x, w, bias), y, **attrs))


@pytest.mark.parametrize("kind", ["CONV_2D", "FULLY_CONNECTED"])
def test_extreme_scales_and_biases(kind: str) -> None:
    rng = np.random.default_rng(13)
    check([extreme(rng, kind) for _ in range(150)], "size")


def deep(rng: Rng, dtype: str = "int8") -> Graph:
    """Make a layer of many large weights, its last channel dead by a huge bias."""
    in_c, out_c = int(rng.integers(500, 2500)), int(rng.integers(2, 5))
    b = GraphBuilder()
    size = [int(v) for v in rng.integers(1, 4, 2)]
    x = b.input(1, *size, in_c, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(1, *size, out_c, dtype=dtype, quant=random_quant(rng, dtype))
    in_scale, out_scale = quant_of(b, x).scale[0], quant_of(b, y).scale[0]
    scale = float(np.float32(out_scale / in_scale / 100 / np.sqrt(in_c)))
    values = rng.integers(-127, 128, (out_c, 1, 1, in_c)) | 64
    values[-1] = 0
    quant = Quant((scale,) * out_c, (0,) * out_c, 0)
    if dtype == "uint8":
        zero = int(rng.choice([100, 128, 140]))
        values, quant = np.clip(values + zero, 0, 255), Quant((scale,), (zero,))
    w = b.constant(values, "uint8" if dtype == "uint8" else "int8", quant)
    bias = rng.integers(-1000, 1000, out_c)
    bias[-1] = int(rng.choice([-1, 1])) << 30
    bias_type = "int64" if dtype == "int16" else "int32"
    terms = b.constant(bias, bias_type, Quant((in_scale * scale,) * out_c, (0,) * out_c, 0))
    attrs: dict[str, AttrValue] = {**CONV, "fused_activation_function": random_activation(rng)}
    return b.graph(b.op("CONV_2D", (x, w, terms), y, **attrs))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_many_large_weights(dtype: str) -> None:
    rng = np.random.default_rng(15)
    check([deep(rng, dtype) for _ in range(12)])


def with_dead_scales(rng: Rng, kind: str, form: str) -> Graph:
    """Make a layer with a scale for each channel, of which some are 0."""
    while True:
        graph = sample(rng, kind, form)
        op = graph.ops[0]
        filters = op.inputs[1]
        quant = graph.tensors[filters].quant
        if quant is not None and len(quant.scale) > 1:
            break
    dead = rng.random(len(quant.scale)) < 0.5
    dead[rng.integers(len(dead))] = True
    tensors = list(graph.tensors)
    for i in op.inputs:
        found = tensors[i].quant
        if found is not None and len(found.scale) == len(dead):
            scales = np.where(dead, 0.0, found.scale)
            tensors[i] = replace(tensors[i], quant=replace(found, scale=tuple(scales.tolist())))
    return replace(graph, tensors=tuple(tensors))


@pytest.mark.parametrize("form", ["int8", "int16", HYBRID])
@pytest.mark.parametrize(
    "kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"]
)
def test_channels_of_scale_0(kind: str, form: str) -> None:
    rng = np.random.default_rng(16)
    graphs = [with_dead_scales(rng, kind, form) for _ in range(12)]
    check(graphs)
    for graph in graphs:
        (weights,) = (
            t
            for t in read_tflite(make_tflite(graph), "").tensors
            if t.dtype == "int8" and t.data is not None
        )
        assert weights.quant is not None
        assert 0.0 in weights.quant.scale


def padded(rng: Rng, kind: str) -> Graph:
    """Make a PAD before a convolution."""
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
    is_conv = kind == "CONV_2D"  # LiteRT's wants a bias
    shape, axis = ((out_c, k_h, k_w, c), 0) if is_conv else ((1, k_h, k_w, c), 3)
    attrs: dict[str, AttrValue] = {**CONV, "stride_h": s_h, "stride_w": s_w}
    if kind != "CONV_2D":
        attrs["depth_multiplier"] = 1
    has_bias = is_conv or bool(rng.random() < 0.8)
    weights = random_weights(rng, b, LAYER_FORMS["int8"], wide, y, shape, axis, has_bias)
    inputs = (wide, *weights)
    return b.graph(b.op(kind, inputs, y, **attrs))


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D"])
def test_folded_pads(kind: str) -> None:
    rng = np.random.default_rng(14)
    graphs = [padded(rng, kind) for _ in range(40)]
    check([fold_pad(g) for g in graphs], "size", models=[make_tflite(g) for g in graphs])
