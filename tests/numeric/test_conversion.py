"""QUANTIZE, DEQUANTIZE, CAST against LiteRT."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from relocatable import compile_model, run
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.random import random_quant
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite
from tests.numeric.harness import build, check, describe, mismatch, reference

Rng = np.random.Generator
BYTES = ("int8", "uint8")


def convert(rng: Rng, kind: str, source: str, to: str, count: int = 256) -> Graph:
    b = GraphBuilder()
    x = b.input(1, count, dtype=source, quant=random_quant(rng, source))
    y = b.tensor(1, count, dtype=to, quant=random_quant(rng, to))
    return b.graph(b.op(kind, (x,), y))


@pytest.mark.parametrize(("source", "to"), list(itertools.product(BYTES, BYTES)))
def test_quantize_of_bytes(source: str, to: str) -> None:
    rng = np.random.default_rng(71)
    graphs = [convert(rng, "QUANTIZE", source, to) for _ in range(40)]
    values = np.arange(256, dtype=np.uint8).view(source)[None]
    for graph, program in zip(graphs, build(graphs, "size"), strict=True):
        got, want = program.run([values])[1], reference(make_tflite(graph), [values])[1]
        assert mismatch(got, want) == "", describe(graph)


@pytest.mark.parametrize("dtype", BYTES)
def test_quantize_of_floats(dtype: str) -> None:
    rng = np.random.default_rng(72)
    check([convert(rng, "QUANTIZE", "float32", dtype, 3000) for _ in range(10)])
    b = GraphBuilder()
    halves = np.arange(-300, 300, 0.5, dtype=np.float32)[None]
    x = b.input(1, halves.size, dtype="float32")
    y = b.tensor(1, halves.size, dtype=dtype, quant=Quant((1.0,), (3,)))
    graph = b.graph(b.op("QUANTIZE", (x,), y))
    [program] = build([graph])
    got, want = program.run([halves])[y], reference(make_tflite(graph), [halves])[y]
    assert mismatch(got, want) == ""


@pytest.mark.parametrize("dtype", BYTES)
def test_dequantize(dtype: str) -> None:
    rng = np.random.default_rng(73)
    check([convert(rng, "DEQUANTIZE", dtype, "float32") for _ in range(10)])


def test_cast() -> None:
    rng = np.random.default_rng(74)
    types = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")
    pairs = [(a, b) for a, b in itertools.product(types, types) if a != b]
    check([convert(rng, "CAST", a, b, 64) for a, b in pairs])


def test_cast_of_large_floats() -> None:
    values = np.array([[3e9, -3e9, 2147483520, -2147483648, 127.9, -128.9, 300, -1, 1e20]])
    for to in ("int8", "uint8", "int32"):
        b = GraphBuilder()
        x = b.input(1, values.size, dtype="float32")
        y = b.tensor(1, values.size, dtype=to, quant=None)
        graph = b.graph(b.op("CAST", (x,), y))
        [program] = build([graph])
        inputs = [values.astype(np.float32)]
        got, want = program.run(inputs)[y], reference(make_tflite(graph), inputs)[y]
        assert mismatch(got, want) == "", to


@pytest.mark.parametrize("kind", ["FULLY_CONNECTED", "CONV_2D"])
def test_weights_stored_as_float16_are_those_of_litert(kind: str) -> None:
    rng = np.random.default_rng(75)
    b = GraphBuilder()
    is_conv = kind == "CONV_2D"
    shape, filters = ((1, 5, 6, 3), (4, 3, 2, 3)) if is_conv else ((1, 12), (4, 12))
    x = b.input(*shape, dtype="float32")
    stored = [b.constant(rng.normal(0, 1, s), "float16") for s in (filters, (4,))]
    used = [
        b.op("DEQUANTIZE", (i,), b.tensor(*b.tensors[i].shape, dtype="float32")) for i in stored
    ]
    attrs: dict[str, int | str | bool] = {"fused_activation_function": "RELU"}
    if is_conv:
        attrs |= {"padding": "SAME", "stride_h": 1, "stride_w": 1}
        attrs |= {"dilation_h_factor": 1, "dilation_w_factor": 1}
    y = b.op(
        kind, (x, *used), b.tensor(*(1, 5, 6, 4) if is_conv else (1, 4), dtype="float32"), **attrs
    )
    model = make_tflite(b.graph(y))
    values = rng.normal(0, 1, shape).astype(np.float32)
    got = run(compile_model(model, target="host"), values)
    assert isinstance(got, np.ndarray)
    assert mismatch(got, reference(model, [values])[y]) == ""
