"""Pipelines give the bits of their layers one by one, which are LiteRT's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest

from relocatable.compile import Program, lower, schedule, schedule_within
from relocatable.graph.graph import Graph
from relocatable.ops._shared.random import random_input
from relocatable.ops.select_kernels import select_kernels
from relocatable.read_tflite import read_tflite
from relocatable.schedule import row_pipeline
from relocatable.schedule.check_plan import check_plan
from relocatable.schedule.plan_memory import plan_memory
from relocatable.steps.kernel_call import KernelCall, Plan
from relocatable.targets import TARGETS, Target
from tests.conftest import MODELS, shared_model
from tests.numeric.harness import build, join, load
from tests.numeric.on_target import run_steps_on_target
from tests.row_graphs import random_network, random_pipelines

CPUS = ("cortex-m4", "cortex-m55")


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pipelines of small networks are several steps, too."""
    monkeypatch.setattr(row_pipeline, "_STEP_MACS", 2000)


def networks(seed: int, count: int) -> tuple[Graph, list[npt.NDArray[Any]], list[bytes]]:
    """Make random networks as one graph, with inputs, and outputs layer by layer."""
    rng = np.random.default_rng(seed)
    dtypes = ("int8", "uint8", "int8", "float32")
    graphs = [random_network(rng, dtypes[i % 4]) for i in range(count)]
    graph, _ = join(graphs)
    return graph, *outputs_by_layers(graph, seed)


def outputs_by_layers(graph: Graph, seed: int) -> tuple[list[npt.NDArray[Any]], list[bytes]]:
    rng = np.random.default_rng(seed)
    inputs = [
        random_input(rng, graph.tensors[i].shape, graph.tensors[i].dtype) for i in graph.inputs
    ]
    [program] = build([graph], "size")
    want = program.run(inputs)
    return inputs, [want[i].tobytes() for i in graph.outputs]


def chained(graph: Graph, target: str, seed: int) -> tuple[Sequence[KernelCall], Plan]:
    """Join the steps of a graph at random, and plan them."""
    rng = np.random.default_rng(seed)
    [calls] = random_pipelines(graph, [select_kernels(graph, TARGETS[target])], rng)
    assert sum(len(call.pipeline.parts) > 1 for call in calls if call.pipeline) > 1
    assert sum(call.steps > 1 for call in calls) > 1
    plan = plan_memory(graph, calls)
    check_plan(graph, calls, plan)
    return calls, plan


def compare(graph: Graph, arena: npt.NDArray[np.uint8], plan: Plan, want: list[bytes]) -> None:
    for i, raw in zip(graph.outputs, want, strict=True):
        at = plan.offsets[i]
        assert arena[at : at + len(raw)].tobytes() == raw, graph.tensors[i].name


@pytest.mark.usefixtures("short_steps")
@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_random_chains(optimize: Literal["speed", "size"]) -> None:
    graph, inputs, want = networks(1, 8)
    calls, plan = chained(graph, "host", 2)
    program = load(graph, calls, plan, optimize)
    for _ in range(2):  # a run leaves nothing behind that the next one could trip over
        program.run(inputs)
        compare(graph, program.arena, plan, want)


@pytest.mark.slow
@pytest.mark.usefixtures("short_steps")
@pytest.mark.parametrize("seed", range(3, 7))
def test_more_random_chains(seed: int) -> None:
    graph, inputs, want = networks(seed, 25)
    calls, plan = chained(graph, "host", seed)
    program = load(graph, calls, plan, "size")
    program.run(inputs)
    compare(graph, program.arena, plan, want)


@pytest.mark.sim
@pytest.mark.usefixtures("short_steps")
@pytest.mark.parametrize(
    "target", [*CPUS, "rv32imac", pytest.param("cortex-m0plus", marks=pytest.mark.slow)]
)
def test_random_chains_on_targets(target: str, tmp_path: Path) -> None:
    graph, inputs, want = networks(8, 10)
    calls, plan = chained(graph, target, 9)
    arena = run_steps_on_target(graph, calls, plan, inputs, target, tmp_path, "speed")
    compare(graph, arena, plan, want)


SCHEDULES: dict[str, Callable[[Graph, None, list[Target]], Program]] = {
    "speed": schedule,
    "ram": schedule_within,
}


@pytest.mark.parametrize("goal", SCHEDULES)
@pytest.mark.parametrize("name", [name for name in MODELS if name[:3] != "ssd"])
def test_models(name: str, goal: str) -> None:
    graph = lower(read_tflite(shared_model(f"{name}.tflite").read_bytes(), name))
    program = SCHEDULES[goal](graph, None, [TARGETS["host"]])
    inputs, want = outputs_by_layers(graph, 11)
    loaded = load(graph, program.calls[0], program.plan, "size")
    loaded.run(inputs)
    compare(graph, loaded.arena, program.plan, want)


@pytest.mark.few(4)
@pytest.mark.sim
@pytest.mark.slow
@pytest.mark.parametrize("target", CPUS)
@pytest.mark.parametrize("goal", SCHEDULES)
@pytest.mark.parametrize(
    "name", [name for name in MODELS if name not in ("ssd_grid_xy", "ssd_grid_int8_cast")]
)
def test_models_on_targets(name: str, goal: str, target: str, tmp_path: Path) -> None:
    graph = lower(read_tflite(shared_model(f"{name}.tflite").read_bytes(), name))
    program = SCHEDULES[goal](graph, None, [TARGETS[target]])
    inputs, want = outputs_by_layers(graph, 11)
    arena = run_steps_on_target(
        graph, program.calls[0], program.plan, inputs, target, tmp_path, "speed"
    )
    compare(graph, arena, program.plan, want)


@pytest.mark.sim
@pytest.mark.parametrize("target", CPUS)
def test_the_least_ram_on_targets(target: str, tmp_path: Path) -> None:
    graph = random_network(np.random.default_rng(21), "int8")
    inputs, want = outputs_by_layers(graph, 22)
    fast = schedule(graph, None, [TARGETS[target]])
    program = schedule_within(graph, None, [TARGETS[target]])
    assert program.plan.arena_bytes <= fast.plan.arena_bytes
    arena = run_steps_on_target(
        graph, program.calls[0], program.plan, inputs, target, tmp_path, "speed"
    )
    compare(graph, arena, program.plan, want)
