"""ADD, SUB, MUL against LiteRT, with broadcast and constant operands."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.graph.graph import Graph, Quant
from tests.make_graph import GraphBuilder
from tests.numeric.harness import check, random_input, random_quant

Rng = np.random.Generator


def binary(rng: Rng, kind: str, dtype: str) -> Graph:
    rank = int(rng.integers(1, 5))
    out = [int(v) for v in rng.integers(1, 7, rank)]
    shapes = [out, [d if rng.random() < 0.6 else 1 for d in out]]
    if rng.random() < 0.3:
        shapes[1] = shapes[1][int(rng.integers(0, rank)) :]
    if rng.random() < 0.5:
        shapes[0] = [d if rng.random() < 0.8 else 1 for d in out]
    if rng.random() < 0.5:
        shapes.reverse()
    full = np.broadcast_shapes(*map(tuple, shapes))
    b = GraphBuilder()
    quants = [random_quant(rng, dtype, 0.7) for _ in range(3)]
    if kind == "MUL" and dtype != "float32":
        scale = quants[0].scale[0] * quants[1].scale[0] * float(rng.choice([0.5, 20, 100]))
        quants[2] = Quant((float(np.float32(scale)),), quants[2].zero_point)
    operands = [b.input(*shapes[0], dtype=dtype, quant=quants[0])]
    if rng.random() < 0.3:
        values = random_input(rng, shapes[1], dtype)
        operands.append(b.constant(values, dtype, quants[1]))
    else:
        operands.append(b.input(*shapes[1], dtype=dtype, quant=quants[1]))
    y = b.tensor(*full, dtype=dtype, quant=quants[2])
    activation = str(rng.choice(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"]))
    return b.op(kind, operands, y, fused_activation_function=activation) and b.graph(y)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
def test_binary(kind: str, dtype: str) -> None:
    rng = np.random.default_rng(31)
    check([binary(rng, kind, dtype) for _ in range(30)], "size")
