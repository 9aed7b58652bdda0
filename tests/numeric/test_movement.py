"""PAD, PADV2, CONCATENATION against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.graph.graph import Graph
from tests.make_graph import GraphBuilder
from tests.numeric.harness import check, random_input, random_quant

Rng = np.random.Generator


def pad(rng: Rng, kind: str, dtype: str) -> Graph:
    rank = int(rng.integers(1, 5))
    shape = [int(v) for v in rng.integers(1, 6, rank)]
    amounts = rng.integers(0, 4, (rank, 2)) * (rng.random((rank, 1)) < 0.7)
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    x = b.input(*shape, dtype=dtype, quant=quant)
    grown = [d + int(a) + int(c) for d, (a, c) in zip(shape, amounts, strict=True)]
    y = b.tensor(*grown, dtype=dtype, quant=quant)
    inputs = [x, b.constant(amounts)]
    if kind == "PADV2":
        inputs.append(b.constant(random_input(rng, (1,), dtype), dtype, quant))
    return b.op(kind, inputs, y) and b.graph(y)


def concatenation(rng: Rng, dtype: str) -> Graph:
    rank = int(rng.integers(1, 5))
    shape = [int(v) for v in rng.integers(1, 6, rank)]
    axis = int(rng.integers(-rank, rank))
    b = GraphBuilder()
    inputs, total = [], 0
    out_quant = random_quant(rng, dtype)
    for _ in range(int(rng.integers(1, 5))):
        size = int(rng.integers(1, 6))
        part = [*shape[: axis % rank], size, *shape[axis % rank + 1 :]]
        rescaled = dtype == "uint8" and rng.random() < 0.5  # LiteRT refuses it for int8
        quant = random_quant(rng, dtype) if rescaled else out_quant
        inputs.append(b.input(*part, dtype=dtype, quant=quant))
        total += size
    y = b.tensor(
        *shape[: axis % rank], total, *shape[axis % rank + 1 :], dtype=dtype, quant=out_quant
    )
    attrs = {"axis": axis, "fused_activation_function": "NONE"}
    return b.op("CONCATENATION", inputs, y, **attrs) and b.graph(y)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("kind", ["PAD", "PADV2"])
def test_pads(kind: str, dtype: str) -> None:
    rng = np.random.default_rng(61)
    check([pad(rng, kind, dtype) for _ in range(25)], "size")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_concatenation(dtype: str) -> None:
    rng = np.random.default_rng(62)
    check([concatenation(rng, dtype) for _ in range(25)], "size")
