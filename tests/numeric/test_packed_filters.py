"""Filters that are stored packed: as LiteRT computes with the plain ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relocatable.codegen.toolchain import CodeOptimize
from relocatable.graph.graph import Graph
from relocatable.ops.select_kernels import select_kernels
from relocatable.steps.packed_filters import Packing, with_packed_filters
from relocatable.targets import TARGETS
from tests.few_values import CHANGES, changed, filter_of, with_filter
from tests.numeric.harness import check, join, sample
from tests.numeric.on_target import check_on_target

DTYPES = ("int8", "uint8", "int16", "float32")
ALWAYS = Packing(layer_code=-(1 << 20), shared_code=0, windows=1, most_loss=float("inf"))
SELDOM = Packing(layer_code=200, shared_code=0, windows=1, most_loss=float("inf"))


def layers(dtype: str, count: int, seed: int) -> list[Graph]:
    """Make layers of each kind whose filters are constant, each changed in some way."""
    rng = np.random.default_rng(seed)
    made: list[Graph] = []
    while len(made) < count:
        for kind in ("CONV_2D", "FULLY_CONNECTED"):
            graph = sample(rng, kind, dtype)
            if graph.tensors[graph.ops[0].inputs[1]].data is not None:
                change = CHANGES[len(made) % len(CHANGES)]
                made.append(with_filter(graph, changed(rng, filter_of(graph), change)))
    return made


@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_bit_on_this_machine(dtype: str, optimize: CodeOptimize) -> None:
    check(layers(dtype, 42, 11), optimize, packing=ALWAYS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_some_layers_are_packed_and_others_not(dtype: str) -> None:
    graphs = layers(dtype, 28, 12)
    graph, _ = join(graphs)
    calls = with_packed_filters(select_kernels(graph, TARGETS["host"]), SELDOM)
    assert {call.packed is None for call in calls} == {True, False}
    check(graphs, "size", packing=SELDOM)


@pytest.mark.sim
@pytest.mark.few(4)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m55"])
def test_every_bit_on_virtual_cpus(target: str, dtype: str, tmp_path: Path) -> None:
    optimize: CodeOptimize = "speed" if dtype in ("int8", "float32") else "size"
    check_on_target(layers(dtype, 42, 13), target, tmp_path, optimize, packing=ALWAYS)


def test_all_ways_to_pack_are_tried() -> None:
    seen = set()
    for dtype in DTYPES:
        for target in ("host", "cortex-m4", "cortex-m55"):
            graph, _ = join(layers(dtype, 42, 13))
            for call in with_packed_filters(select_kernels(graph, TARGETS[target]), ALWAYS):
                loop = call.calls[0].channels
                if loop is not None and loop.unpack is not None:
                    params = loop.unpack.params
                    seen.add((loop.unpack.function, params["bits"], params["book"] != 0))
    codes, sparse = "xn_unpack_codes", "xn_unpack_sparse"
    assert seen >= {(codes, 2, False), (codes, 4, False), (codes, 8, False), (codes, 4, True)}
    assert seen >= {(sparse, 0, False), (sparse, 4, False)}
