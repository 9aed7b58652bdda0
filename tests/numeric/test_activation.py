"""Functions of one value against LiteRT: all 256 values of 8 bits, many floats."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.errors import UnsupportedError
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import UNIT_16
from relocatable.support import check_support
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite
from tests.numeric.harness import build, describe, mismatch, quant_of, reference

KINDS = ("RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "LOGISTIC", "TANH")
Rng = np.random.Generator


def activation(rng: Rng, kind: str, dtype: str, count: int) -> Graph:
    b = GraphBuilder()
    source, quant = random_quant(rng, dtype), random_quant(rng, dtype)
    if rng.random() < 0.3:
        source = quant  # halves are exact
    x = b.input(1, count, dtype=dtype, quant=source)
    if kind == "LOGISTIC" and dtype != "float32":
        quant = Quant((1 / 256,), (-128 if dtype == "int8" else 0,))
    if kind in ("LOGISTIC", "TANH") and dtype == "int16":
        quant = UNIT_16
    if kind == "HARD_SWISH" and dtype != "float32":
        # LiteRT wants the output's scale not below 1/128 of the input's.
        scale = quant_of(b, x).scale[0] * float(rng.uniform(0.05, 1.5))
        quant = Quant((float(np.float32(scale)),), quant.zero_point if quant else (0,))
    y = b.tensor(1, count, dtype=dtype, quant=quant)
    attrs: dict[str, AttrValue] = {}
    if kind == "LEAKY_RELU":
        attrs["alpha"] = float(np.float32(rng.choice([0.01, 0.1, 0.3, 1.5, 0.0, -0.2, -0.5])))
    return b.graph(b.op(kind, (x,), y, **attrs))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_values_of_8_bits(kind: str, dtype: str) -> None:
    rng = np.random.default_rng(41)
    graphs = [activation(rng, kind, dtype, 256) for _ in range(40)]
    values = np.arange(256, dtype=np.uint8).view(dtype)[None]
    for graph, program in zip(graphs, build(graphs, "size"), strict=True):
        got, want = program.run([values])[1], reference(make_tflite(graph), [values])[1]
        assert mismatch(got, want) == "", describe(graph)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "HARD_SWISH"])
def test_all_values_of_16_bits(kind: str) -> None:
    rng = np.random.default_rng(43)
    values = np.arange(-(1 << 15), 1 << 15).astype(np.int16)[None]
    graphs = [activation(rng, kind, "int16", values.size) for _ in range(20)]
    for graph, program in zip(graphs, build(graphs, "size"), strict=True):
        got, want = program.run([values])[1], reference(make_tflite(graph), [values])[1]
        assert mismatch(got, want) == "", describe(graph)


@pytest.mark.parametrize("kind", KINDS)
def test_floats(kind: str) -> None:
    rng = np.random.default_rng(42)
    special = [0.0, -0.0, 3.0, -3.0, 6.0, -9.0, 16.6, 88.8, -88.8, 104.0, -104.0, 1e-30, -1e-40]
    values = np.concatenate(
        [special, rng.normal(0, 1, 2000), rng.normal(0, 20, 2000), rng.normal(0, 0.01, 500)]
    ).astype(np.float32)[None]
    graph = activation(rng, kind, "float32", values.size)
    [program] = build([graph])
    got, want = program.run([values])[1], reference(make_tflite(graph), [values])[1]
    assert mismatch(got, want) == ""


def refusal(graph: Graph) -> str:
    """Say why a graph is refused, "" if it is not."""
    try:
        check_support(graph)
    except UnsupportedError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_steep_leaky_relu(dtype: str) -> None:
    """Products that leave 32 bits do so as LiteRT's, or the layer is refused."""
    graphs = []
    for power in range(0, 36, 3):
        for alpha in (0.01, 1.0, 3.0, -1000.0, 1e6):
            b = GraphBuilder()
            zero = 100 if dtype == "uint8" else -28
            x = b.input(1, 256, dtype=dtype, quant=Quant((2.0**power,), (zero,)))
            y = b.tensor(1, 256, dtype=dtype, quant=Quant((1.0,), (zero,)))
            graphs.append(b.graph(b.op("LEAKY_RELU", (x,), y, alpha=alpha)))
    refusals = [refusal(graph) for graph in graphs]
    assert all("must be below 2^30" in text for text in refusals if text)
    taken = [graph for graph, text in zip(graphs, refusals, strict=True) if not text]
    assert 0 < len(taken) < len(graphs)
    values = np.arange(256, dtype=np.uint8).view(dtype)[None]
    for graph, program in zip(taken, build(taken, "size"), strict=True):
        got, want = program.run([values])[1], reference(make_tflite(graph), [values])[1]
        assert mismatch(got, want) == "", describe(graph)
