"""Elementwise operators at values that samples seldom have, against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops.real_functions import FUNCTIONS, RealFunction
from tests.make_tflite import make_tflite
from tests.numeric.harness import Array, build, describe, mismatch, reference

_SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-40, -1e-40, 1e-30, 88.7, 89.0, -104.0]
_SPECIAL += [8388607.5, 1e9, -1e9, 1e20, 3.4e38, -3.4e38, float("inf"), -float("inf"), float("nan")]
_LEAST = -(1 << 31)


def compare(graph: Graph, inputs: list[Array]) -> None:
    [program] = build([graph])
    output = graph.outputs[0]
    want = reference(make_tflite(graph), inputs)[output]
    assert mismatch(program.run(inputs)[output], want) == "", describe(graph)


def unary(kind: str, x: Array, quants: tuple[Quant | None, Quant | None], **attrs: bool) -> Graph:
    b = GraphBuilder()
    dtype = x.dtype.name
    source = b.input(*x.shape, dtype=dtype, quant=quants[0])
    y = b.tensor(*x.shape, dtype=dtype, quant=quants[1])
    return b.graph(b.op(kind, (source,), y, **attrs))


def binary(kind: str, x: Array, y: Array, output: str = "", **attrs: str) -> Graph:
    b = GraphBuilder()
    operands = [b.input(*v.shape, dtype=v.dtype.name, quant=None) for v in (x, y)]
    shape = np.broadcast_shapes(x.shape, y.shape)
    out = b.tensor(*shape, dtype=output or x.dtype.name, quant=None)
    return b.graph(b.op(kind, operands, out, **attrs))


@pytest.mark.parametrize("kind", [f.kind for f in FUNCTIONS])
def test_real_functions_of_special_floats(kind: str) -> None:
    rng = np.random.default_rng(91)
    parts = [np.array(_SPECIAL), rng.normal(0, 1, 500), rng.normal(0, 20, 500)]
    x = np.concatenate([*parts, rng.normal(0, 1e6, 100)]).astype(np.float32)[None]
    if kind == "GELU":
        x = x[np.isfinite(x)][None]
        for approximate in (False, True):
            compare(unary(kind, x, (None, None), approximate=approximate), [x])
    else:
        compare(unary(kind, x, (None, None)), [x])


@pytest.mark.parametrize(
    "function", [f for f in FUNCTIONS if "int16" in f.dtypes], ids=lambda f: f.kind
)
def test_all_values_of_16_bits(function: RealFunction) -> None:
    kind, least = function.kind, 0 if function.from_zero else -(1 << 15)
    x = np.arange(least, 1 << 15, dtype=np.int16)[None]
    for scales in ((1e-4, 2e-4), (3e-5, 1e-4), (1.3e-4, 5e-3)):
        quants = tuple(Quant((float(np.float32(s)),), (0,)) for s in scales)
        compare(unary(kind, x, (quants[0], quants[1])), [x])


@pytest.mark.parametrize("kind", ["POW", "FLOOR_DIV", "FLOOR_MOD", "DIV", "MAXIMUM", "LESS"])
def test_binary_of_special_floats(kind: str) -> None:
    rng = np.random.default_rng(92)
    x = np.array([v for v in _SPECIAL if abs(v) < 1e30], np.float32)
    x = np.concatenate([x, rng.normal(0, 3, 60).astype(np.float32)])
    y = np.concatenate([[1.0, -1.0, 2.0, 3.0, 0.5, -0.5], rng.normal(0, 2, 30)])
    attrs = {"fused_activation_function": "NONE"} if kind == "DIV" else {}
    output = "bool" if kind == "LESS" else ""
    wide, tall = x[:, None], y.astype(np.float32)[None, :]
    compare(binary(kind, wide, tall, output, **attrs), [wide, tall])


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32"])
@pytest.mark.parametrize("kind", ["FLOOR_DIV", "FLOOR_MOD", "DIV"])
def test_quotients_of_integers(kind: str, dtype: str) -> None:
    if kind == "DIV" and dtype != "int32":
        return
    info = np.iinfo(dtype)
    x = np.array([info.min + 1, -7, -6, -1, 0, 1, 6, 7, info.max], dtype)[:, None]
    y = np.array([info.min, -3, -2, -1, 1, 2, 3, info.max], dtype)[None, :]
    attrs = {"fused_activation_function": "NONE"} if kind == "DIV" else {}
    compare(binary(kind, x, y, **attrs), [x, y])


@pytest.mark.parametrize("kind", ["FLOOR_DIV", "FLOOR_MOD", "DIV"])
def test_what_litert_refuses_while_it_runs(kind: str) -> None:
    """A division by zero makes 0; the least integer over -1 wraps around."""
    x = np.array([[5, -5, 0, _LEAST, _LEAST]], np.int32)
    y = np.array([[0, 0, 0, 0, -1]], np.int32)
    attrs = {"fused_activation_function": "NONE"} if kind == "DIV" else {}
    graph = binary(kind, x, y, **attrs)
    [program] = build([graph])
    want = [0, 0, 0, 0, 0 if kind == "FLOOR_MOD" else _LEAST]
    assert program.run([x, y])[graph.outputs[0]].tolist() == [want]


def test_powers_of_integers() -> None:
    x = np.array([-3, -1, 0, 1, 2, 10], np.int32)
    b = GraphBuilder()
    source = b.input(6, 1, dtype="int32")
    powers = b.constant([[0, 1, 2, 3, 5, 9]])
    graph = b.graph(b.op("POW", (source, powers), b.tensor(6, 6, dtype="int32")))
    compare(graph, [x[:, None]])


@pytest.mark.parametrize("kind", ["SQRT", "RSQRT"])
def test_roots_of_bytes_from_zero(kind: str) -> None:
    x = np.arange(-20, 128, dtype=np.int8)[None]
    for scale, out in ((0.05, 0.02), (1.0, 0.004), (0.001, 0.3)):
        quants = (Quant((scale,), (-20,)), Quant((out,), (-100,)))
        graph = unary(kind, x, quants)
        compare(graph, [x])
        [program] = build([graph])
        below = np.full(x.shape, -100, np.int8)
        zero = np.full(x.shape, -20, np.int8)
        found = [program.run([v])[graph.outputs[0]].tolist() for v in (below, zero)]
        assert found[0] == found[1]
