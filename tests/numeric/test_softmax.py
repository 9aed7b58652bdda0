"""SOFTMAX against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.graph.graph import Graph, Quant
from tests.make_graph import GraphBuilder
from tests.numeric.harness import check


def softmax(rng: np.random.Generator, dtype: str) -> Graph:
    rank = int(rng.integers(1, 4))
    shape = [int(v) for v in rng.integers(1, 12, rank)]
    shape[-1] = int(rng.choice([1, 2, 3, 10, 100, 300]))
    b = GraphBuilder()
    scale = float(np.float32(np.exp(rng.normal(-3, 1.5))))
    x = b.input(*shape, dtype=dtype, quant=Quant((scale,), (int(rng.integers(0, 100)),)))
    zero = -128 if dtype == "int8" else 0
    y = b.tensor(*shape, dtype=dtype, quant=Quant((1 / 256,), (zero,)))
    beta = float(np.float32(rng.choice([1.0, 1.0, 0.5, 3.0])))
    return b.op("SOFTMAX", (x,), y, beta=beta) and b.graph(y)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_softmax(dtype: str) -> None:
    rng = np.random.default_rng(51)
    check([softmax(rng, dtype) for _ in range(40)], "size", runs=3)
