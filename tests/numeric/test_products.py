"""BATCH_MATMUL and TRANSPOSE_CONV of integers at the edges of vector kernels.

Odd numbers of channels, rows and columns, rests of all lengths, strides beyond the window, zero
points at the ends of their types, sums that need more than 32 bits on the way.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.ops._shared.layer import BIAS_TYPE_FIELD, LAYER_FORMS
from relocatable.ops._shared.layer_sample import random_bias_type, random_weights
from relocatable.ops._shared.random import random_input
from relocatable.ops.select_kernels import select_kernels
from relocatable.targets import TARGETS
from tests.numeric.harness import check
from tests.numeric.on_target import check_on_target
from tests.numeric.test_machines import CPUS

Rng = np.random.Generator
_SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 70)
_DEEP = 16_400
_BATCHES = (((), ()), ((2,), (2,)), ((1,), (3,)), ((2, 1), (2,)), ((2, 1, 2), (1, 3, 1)))
_ENDS = {"int8": (-128, 127, 0, 5), "uint8": (0, 255, 128, 5), "int16": (0,)}


def product(rng: Rng, dtype: str, number: int, depth: int = 0) -> Graph:
    """Make a BATCH_MATMUL; its number says what is transposed, and the batches."""
    adj_x, adj_y = bool(number & 1), bool(number & 2)
    rows, columns, terms = (int(v) for v in rng.choice(_SIZES, 3))
    terms = depth or terms
    left, right = _BATCHES[number // 4 % len(_BATCHES)]
    zeros = [int(v) for v in rng.choice(_ENDS[dtype], 3)]
    scale = 0.05 if dtype == "int8" else 1e-4
    size = {"int8": 50, "int16": 20_000}[dtype]
    spread = float(np.float32(scale * scale * size * np.sqrt(terms) * rng.choice([0.001, 1, 1, 8])))
    b = GraphBuilder()
    x_shape = (*left, *((terms, rows) if adj_x else (rows, terms)))
    y_shape = (*right, *((columns, terms) if adj_y else (terms, columns)))
    x = _tensor(b, x_shape, dtype, Quant((scale,), (zeros[0],)))
    second = Quant((scale,), (zeros[1],))
    if rng.random() < 0.3:
        y = b.constant(random_input(rng, y_shape, dtype), dtype, second)
    else:
        y = _tensor(b, y_shape, dtype, second)
    batch = np.broadcast_shapes(left, right)
    out = b.tensor(*batch, rows, columns, dtype=dtype, quant=Quant((spread,), (zeros[2],)))
    attrs = {"adj_x": adj_x, "adj_y": adj_y, "asymmetric_quantize_inputs": False}
    return b.graph(b.op("BATCH_MATMUL", (x, y), out, **attrs))


def _tensor(b: GraphBuilder, shape: tuple[int, ...], dtype: str, quant: Quant) -> int:
    return b.input(*shape, dtype=dtype, quant=quant)


def transposed(rng: Rng, dtype: str, number: int, in_c: int = 0) -> Graph:
    """Make a TRANSPOSE_CONV; its number says how large window and stride are."""
    k_h, k_w = 1 + number % 5, 1 + number // 5 % 5
    s_h, s_w = (int(v) for v in rng.integers(1, 7, 2))
    same = bool(rng.random() < 0.5)
    h, w, images = int(rng.integers(1, 4)), int(rng.integers(1, 10)), int(rng.integers(1, 3))
    in_c, out_c = in_c or int(rng.choice(_SIZES)), int(rng.choice((1, 2, 3, 4, 5, 7, 17)))
    size = [n * s for n, s in ((h, s_h), (w, s_w))]
    if not same:
        size = [(n - 1) * s + k for n, s, k in ((h, s_h, k_h), (w, s_w, k_w))]
    zeros = [int(v) for v in rng.choice(_ENDS[dtype], 2)]
    scale = 1e-4 if dtype == "int16" else 0.05
    b, form = GraphBuilder(), LAYER_FORMS[dtype]
    x = b.input(images, h, w, in_c, dtype=dtype, quant=Quant((scale,), (zeros[0],)))
    y = b.tensor(images, *size, out_c, dtype=dtype, quant=Quant((scale,), (zeros[1],)))
    wanted = b.constant([images, *size, out_c])
    bias, option = random_bias_type(rng, form)
    has_bias = bool(rng.random() < 0.7)
    weights = random_weights(rng, b, form, x, y, (out_c, k_h, k_w, in_c), 0, has_bias, bias)
    attrs: dict[str, AttrValue] = {
        "padding": "SAME" if same else "VALID",
        "stride_h": s_h,
        "stride_w": s_w,
        "fused_activation_function": str(rng.choice(["NONE", "RELU"])),
        BIAS_TYPE_FIELD: option,
    }
    return b.graph(b.op("TRANSPOSE_CONV", (wanted, weights[0], x, *weights[1:]), y, **attrs))


def edges(dtype: str) -> list[Graph]:
    """List all of an element type."""
    rng = np.random.default_rng(31)
    found = [transposed(rng, dtype, i) for i in range(50)]
    # Sums of 16 bits that pass 2^31.
    found += [transposed(rng, dtype, i, in_c) for i, in_c in ((0, 1030), (1, 700), (6, 260))]
    if dtype == "uint8":
        return found
    found += [product(rng, dtype, i) for i in range(60)]
    # The most terms that have room in scratch, and more.
    return found + [
        product(rng, dtype, i, depth) for i, depth in ((0, 1630), (1, _DEEP), (2, _DEEP))
    ]


@pytest.mark.parametrize("dtype", _ENDS)
def test_edges_here(dtype: str) -> None:
    check(edges(dtype), "size")


@pytest.mark.few(3)
@pytest.mark.sim
@pytest.mark.parametrize("dtype", _ENDS)
@pytest.mark.parametrize("target", CPUS)
def test_edges(target: str, dtype: str, tmp_path: Path) -> None:
    graphs = edges(dtype)
    check_on_target(graphs[::2], target, tmp_path, "speed")
    check_on_target(graphs[1::2], target, tmp_path, "size")


@pytest.mark.parametrize("dtype", _ENDS)
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_sums_are_those_of_the_cpu(target: str, dtype: str) -> None:
    suffix = {"cortex-m4": "_dsp.c", "cortex-m55": "_mve.c"}[target]
    plain = []
    for graph in edges(dtype):
        [call] = select_kernels(graph, TARGETS[target])
        assert graph.ops[0].kind != "BATCH_MATMUL" or call.scratch_bytes <= 1 << 14
        if not call.source.endswith(suffix):
            plain.append(graph)
    kinds = Counter(graph.ops[0].kind for graph in plain)
    assert kinds["BATCH_MATMUL"] <= 2  # the deep ones
    # Those of Helium want sums and scales that 32 bits hold.
    assert kinds["TRANSPOSE_CONV"] <= (8 if (target, dtype) == ("cortex-m55", "int16") else 0)
