"""Networks as converters of 2018 wrote them: uint8, operators of version 1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from relocatable.compile import lower, schedule
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.read_tflite import read_tflite
from relocatable.targets import TARGETS
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite
from tests.numeric.harness import load, mismatch, reference

Rng = np.random.Generator


def layer(rng: Rng, b: GraphBuilder, kind: str, x: int, out_c: int, k: int, stride: int) -> int:
    """Add a layer with RELU6, its weights of any zero point."""
    _, h, w, in_c = b.tensors[x].shape
    shape = (out_c, k, k, in_c) if kind == "CONV_2D" else (1, k, k, out_c)
    scale = float(np.float32(0.02 / np.sqrt(np.prod(shape[1:]))))
    zero = int(rng.integers(100, 150))
    filters = b.constant(rng.integers(0, 256, shape), "uint8", Quant((scale,), (zero,)))
    bias_scale = float(np.float32(0.0235) * np.float32(scale))
    bias = b.constant(rng.integers(-900, 900, out_c), "int32", Quant((bias_scale,), (0,)))
    y = b.tensor(1, -(-h // stride), -(-w // stride), out_c, dtype="uint8", quant=IMAGE)
    attrs: dict[str, AttrValue] = {
        "padding": "SAME",
        "stride_h": stride,
        "stride_w": stride,
        "dilation_h_factor": 1,
        "dilation_w_factor": 1,
        "fused_activation_function": "RELU6",
    }
    if kind != "CONV_2D":
        attrs["depth_multiplier"] = out_c // in_c
    return b.op(kind, (x, filters, bias), y, **attrs)


IMAGE = Quant((float(np.float32(0.0235)),), (0,))


def mobile_net(rng: Rng) -> Graph:
    """Make a small MobileNet v1."""
    b = GraphBuilder()
    image = b.input(1, 32, 32, 3, dtype="uint8", quant=Quant((1 / 128,), (128,)))
    x = layer(rng, b, "CONV_2D", image, 8, 3, 2)
    for channels, stride in ((16, 1), (24, 2), (24, 1)):
        x = layer(rng, b, "DEPTHWISE_CONV_2D", x, b.tensors[x].shape[3], 3, stride)
        x = layer(rng, b, "CONV_2D", x, channels, 1, 1)
    pooled = b.tensor(1, 1, 1, 24, dtype="uint8", quant=IMAGE)
    b.op(
        *("AVERAGE_POOL_2D", (x,), pooled),
        padding="VALID",
        stride_h=8,
        stride_w=8,
        filter_height=8,
        filter_width=8,
        fused_activation_function="NONE",
    )
    scores = layer(rng, b, "CONV_2D", pooled, 11, 1, 1)
    flat = b.tensor(1, 11, dtype="uint8", quant=IMAGE)
    b.op("RESHAPE", (scores, b.constant([1, 11])), flat)
    y = b.tensor(1, 11, dtype="uint8", quant=Quant((1 / 256,), (0,)))
    return b.graph(b.op("SOFTMAX", (flat,), y, beta=1.0))


def version_1(model: Any) -> None:
    """Write what the converter of that time wrote."""
    for code in model.operatorCodes:
        code.version = 1
    for tensor in model.subgraphs[0].tensors:
        if tensor.quantization is not None:
            tensor.quantization.min, tensor.quantization.max = [0.0], [6.0]


def odd(model: Any) -> None:
    """Write, too, what LiteRT has come to refuse: a fourth dimension of the biases."""
    version_1(model)
    for tensor in model.subgraphs[0].tensors:
        if tensor.quantization is not None and len(tensor.shape) == 1:
            tensor.quantization.quantizedDimension = 3


@pytest.mark.parametrize("seed", range(3))
def test_mobile_net_of_version_1(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = mobile_net(rng)
    graph = lower(read_tflite(make_tflite(net, odd), "mobile_net"))
    program = schedule(graph, None, [TARGETS["host"]])
    image = rng.integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    loaded = load(graph, program.calls[0], program.plan, "speed")
    loaded.run([image])
    (output,) = graph.outputs
    want = reference(make_tflite(net, version_1), [image])[output]
    assert len(np.unique(want)) > 2
    assert mismatch(loaded.tensor(output), want) == ""
