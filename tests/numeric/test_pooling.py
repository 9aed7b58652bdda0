"""MAX_POOL_2D, AVERAGE_POOL_2D, MEAN against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.graph.graph import Graph
from tests.make_graph import GraphBuilder
from tests.numeric.harness import check, random_quant

Rng = np.random.Generator


def pool(rng: Rng, kind: str, dtype: str) -> Graph:
    k_h, k_w, s_h, s_w = (int(v) for v in rng.integers(1, 5, 4))
    h, w = int(rng.integers(k_h, k_h + 8)), int(rng.integers(k_w, k_w + 8))
    c = int(rng.integers(1, 20))
    same = bool(rng.random() < 0.6)
    out_h = -(-h // s_h) if same else (h - k_h) // s_h + 1
    out_w = -(-w // s_w) if same else (w - k_w) // s_w + 1
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    x = b.input(1, h, w, c, dtype=dtype, quant=quant)
    y = b.tensor(1, out_h, out_w, c, dtype=dtype, quant=quant)
    attrs = {
        "padding": "SAME" if same else "VALID",
        "stride_h": s_h,
        "stride_w": s_w,
        "filter_height": k_h,
        "filter_width": k_w,
        "fused_activation_function": str(rng.choice(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"])),
    }
    return b.op(kind, (x,), y, **attrs) and b.graph(y)


def mean(rng: Rng, dtype: str) -> Graph:
    rank = int(rng.integers(1, 5))
    shape = [1] * rank if rank == 1 else [1, *(int(v) for v in rng.integers(1, 9, rank - 1))]
    if rank == 1:
        shape = [int(rng.integers(1, 40))]
    axes = [int(a) for a in range(rank) if rng.random() < 0.5] or [rank - 1]
    keep = bool(rng.random() < 0.5)
    out = [1 if a in axes else d for a, d in enumerate(shape)]
    if not keep:
        out = [d for a, d in enumerate(shape) if a not in axes]
    b = GraphBuilder()
    x = b.input(*shape, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(*out, dtype=dtype, quant=random_quant(rng, dtype))
    signed = [a - rank if rng.random() < 0.3 else a for a in axes]
    return b.op("MEAN", (x, b.constant(signed)), y, keep_dims=keep) and b.graph(y)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("kind", ["MAX_POOL_2D", "AVERAGE_POOL_2D"])
def test_pools(kind: str, dtype: str) -> None:
    rng = np.random.default_rng(21)
    check([pool(rng, kind, dtype) for _ in range(25)], "size")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_mean(dtype: str) -> None:
    rng = np.random.default_rng(22)
    check([mean(rng, dtype) for _ in range(40)], "size")
