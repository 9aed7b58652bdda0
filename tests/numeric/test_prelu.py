"""PRELU of bytes with constant slopes: each value with each, against LiteRT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relocatable.codegen.toolchain import CodeOptimize
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.random import random_input, random_quant
from relocatable.ops.operator import Rng
from relocatable.ops.select_kernels import select_kernels
from relocatable.schedule.check_plan import check_plan
from relocatable.schedule.plan_memory import plan_memory
from relocatable.targets import TARGETS
from tests.make_graph import POOL
from tests.numeric.harness import Array
from tests.numeric.on_target import run_steps_on_target
from tests.numeric.test_byte_pairs import check_pairs
from tests.numeric.test_machines import CPUS
from tests.numeric.test_rows import compare, outputs_by_layers
from tests.row_graphs import random_pipelines

_LINES = "ops/prelu/prelu_lines_dsp.c"
_DTYPES = ("int8", "uint8")
# Of the input and the slopes.
_REPEATED = (
    *(((1, 16, 16, c), (1, 1, c)) for c in (*range(1, 18), 32, 36, 100)),
    ((256, 24), (24,)),
    ((2, 8, 16, 5), (1, 1, 1, 5)),
    ((4, 64, 3, 7), (3, 7)),
    ((1, 9, 3, 12), (1, 1, 12)),  # rows that are no whole words
    ((1, 3, 17, 4), (1, 1, 4)),
)
_OTHERS = (
    ((1, 16, 16, 8), (16, 16, 8)),
    ((1, 16, 16, 8), (16, 1, 8)),
    ((1, 16, 16, 8), (16, 1, 1)),
    ((2, 5, 1, 8), (1, 5, 1, 8)),
    ((7, 31), (31,)),
    ((5, 64), (64,)),
)


def _graph(
    rng: Rng, dtype: str, shapes: tuple[tuple[int, ...], tuple[int, ...]], steepest: float
) -> tuple[Graph, list[Array]]:
    """Make a graph with slopes up to a factor.

    Each channel has the 256 values in an order of its own.
    """
    b = GraphBuilder()
    quants = [random_quant(rng, dtype) for _ in range(3)]
    x_quant, slope_quant, y_quant = (quant for quant in quants if quant)
    scale = steepest * y_quant.scale[0] / x_quant.scale[0] / 255
    slope_quant = Quant((float(np.float32(scale)),), slope_quant.zero_point)
    x = b.input(*shapes[0], dtype=dtype, quant=x_quant)
    slopes = random_input(rng, shapes[1], dtype)
    ends = np.iinfo(dtype)
    slopes.reshape(-1)[: 2 if slopes.size > 1 else 1] = (ends.min, ends.max)[: slopes.size]
    y = b.tensor(*shapes[0], dtype=dtype, quant=y_quant)
    graph = b.graph(b.op("PRELU", (x, b.constant(slopes, dtype, slope_quant)), y))
    channels = shapes[0][-1]
    columns = [rng.permutation(256) for _ in range(channels)]
    count = int(np.prod(shapes[0]))
    values = np.resize(np.stack(columns, axis=1), count).astype(np.uint8)
    return graph, [values.view(dtype).reshape(shapes[0])]


def _graphs(seed: int) -> list[tuple[Graph, list[Array]]]:
    rng = np.random.default_rng(seed)
    steepest = (0.04, 0.3, 1.5, 20, 150)
    shapes = (*_REPEATED, *_OTHERS)
    return [
        _graph(rng, dtype, one, steepest[(i + k) % len(steepest)])
        for k, dtype in enumerate(_DTYPES)
        for i, one in enumerate(shapes)
    ]


@pytest.mark.parametrize("dtype", _DTYPES)
def test_repeated_slopes_are_lines(dtype: str) -> None:
    rng = np.random.default_rng(3)
    for shapes in _REPEATED:
        # One slope is a table's.
        wanted = "ops/_shared/table.c" if np.prod(shapes[1]) == 1 else _LINES
        [call] = select_kernels(_graph(rng, dtype, shapes, 0.5)[0], TARGETS["cortex-m4"])
        assert call.source == wanted, shapes


@pytest.mark.parametrize("dtype", _DTYPES)
def test_other_slopes_are_not(dtype: str) -> None:
    rng = np.random.default_rng(3)
    graphs = [_graph(rng, dtype, shapes, 0.5)[0] for shapes in _OTHERS]
    graphs.append(_graph(rng, dtype, _REPEATED[8], 150.0)[0])
    for graph in graphs:
        [call] = select_kernels(graph, TARGETS["cortex-m4"])
        assert call.source != _LINES


def test_on_this_machine(tmp_path: Path) -> None:
    check_pairs(_graphs(21), "host", tmp_path, "speed")


@pytest.mark.sim
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("target", CPUS)
def test_on_target(target: str, optimize: CodeOptimize, tmp_path: Path) -> None:
    check_pairs(_graphs(22), target, tmp_path, optimize)


@pytest.mark.sim
@pytest.mark.parametrize("dtype", _DTYPES)
def test_by_rows(dtype: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    graph, _ = _graph(rng, dtype, ((1, 12, 8, 20), (1, 1, 20)), 0.5)
    b = GraphBuilder()
    b.tensors, b.ops, b.inputs = list(graph.tensors), list(graph.ops), list(graph.inputs)
    quant = graph.tensors[graph.outputs[0]].quant
    y = b.op("MAX_POOL_2D", graph.outputs, b.tensor(1, 6, 4, 20, dtype=dtype, quant=quant), **POOL)
    graph = b.graph(y)
    calls = select_kernels(graph, TARGETS["cortex-m4"])
    assert calls[0].source == _LINES
    pipelines = (random_pipelines(graph, [calls], rng)[0] for _ in range(50))
    joined = next(found for found in pipelines if len(found) == 1)
    plan = plan_memory(graph, joined)
    check_plan(graph, joined, plan)
    inputs, want = outputs_by_layers(graph, 5)
    arena = run_steps_on_target(graph, joined, plan, inputs, "cortex-m4", tmp_path, "speed")
    compare(graph, arena, plan, want)
