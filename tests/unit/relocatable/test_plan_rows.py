"""Pipelines: sound by a check of other code, small, cheap, always the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relocatable.errors import PlanError
from relocatable.graph.graph import AttrValue, Graph
from relocatable.ops.select_kernels import select_kernels
from relocatable.schedule.check_plan import check_plan
from relocatable.schedule.plan_memory import plan_memory
from relocatable.schedule.row_order import order_rows
from relocatable.schedule.row_pipeline import plan_rows
from relocatable.steps.kernel_call import KernelCall, Plan, RowTask, common_call
from relocatable.targets import TARGETS
from tests.make_graph import CONV, POOL, GraphBuilder
from tests.row_graphs import random_network, random_pipelines

CPUS = ("cortex-m4", "cortex-m55")


def deep(*channels: int, rows: int = 64) -> Graph:
    """Make a chain of 3x3 convolutions on 64 columns."""
    b = GraphBuilder()
    x = b.input(1, rows, 64, channels[0])
    for before, after in pairwise(channels):
        w = b.constant(np.ones((after, 3, 3, before)), "int8", b.tensors[x].quant)
        y = b.tensor(1, rows, 64, after)
        x = b.op("CONV_2D", (x, w, b.constant([0] * after)), y, **{**CONV, "padding": "SAME"})
    return b.graph(x)


def planned(graph: Graph, *targets: str) -> tuple[list[tuple[KernelCall, ...]], Plan]:
    by_target = plan_rows(
        graph, [select_kernels(graph, TARGETS[t]) for t in targets or CPUS], False
    )
    plan = plan_memory(graph, [common_call(step) for step in zip(*by_target, strict=True)])
    for calls in by_target:
        check_plan(graph, calls, plan)
    return list(by_target), plan


def test_a_deep_chain_needs_its_input_and_some_rows() -> None:
    graph = deep(8, 32, 32, 8)
    by_target, plan = planned(graph, "cortex-m4")
    [call] = by_target[0]
    assert call.pipeline is not None
    assert plan.arena_bytes < 64 * 64 * (8 + 32) / 2
    assert plan.offsets.keys() == {*graph.inputs, *graph.outputs}


def test_targets_share_the_turns_and_the_bands() -> None:
    (m4, m55), _ = planned(deep(8, 32, 32, 8))
    for a, b in zip(m4, m55, strict=True):
        assert (a.pipeline is None) == (b.pipeline is None)
        if a.pipeline and b.pipeline:
            assert (a.pipeline.tasks, a.pipeline.buffers) == (b.pipeline.tasks, b.pipeline.buffers)


def test_what_fits_is_left_alone() -> None:
    """If another step needs the most anyway, rows would cost time for nothing."""
    b = GraphBuilder()
    x = b.input(1, 4, 4, 1)
    y = b.op("MAX_POOL_2D", (x,), b.tensor(1, 2, 2, 1), **POOL)
    z = b.op("MAX_POOL_2D", (y,), b.tensor(1, 1, 1, 1), **POOL)
    by_target, _ = planned(b.graph(z))
    assert all(call.pipeline is None for calls in by_target for call in calls)


def test_a_layer_alone_writes_close_behind_what_it_reads() -> None:
    graph = deep(16, 16)
    by_target, plan = planned(graph, "cortex-m4")
    [call] = by_target[0]
    assert call.pipeline is None
    assert plan.arena_bytes <= 66 * 64 * 16 + call.scratch_bytes
    assert plan.moved_up(call) == (graph.inputs[0], 2 * 64 * 16)


@pytest.mark.parametrize("targets", [CPUS[:1], CPUS[1:], CPUS])
def test_long_layers_are_several_steps_or_write_over_their_input(targets: tuple[str, ...]) -> None:
    b = GraphBuilder()
    x = b.input(1, 128, 128, 128)
    w = b.constant(np.ones((1, 3, 3, 128)), "int8", b.tensors[x].quant)
    attrs: dict[str, AttrValue] = {**CONV, "padding": "SAME", "depth_multiplier": 1}
    inputs = (x, w, b.constant([0] * 128))
    graph = b.graph(b.op("DEPTHWISE_CONV_2D", inputs, b.tensor(1, 128, 128, 128), **attrs))
    by_target, plan = planned(graph, *targets)
    assert all(c.steps > 1 or plan.offsets[x] == plan.offsets[c.outputs[0]] for [c] in by_target)


def test_tall_images_take_few_tasks() -> None:
    b = GraphBuilder()
    x = b.input(1, 16000, 1, 4)
    for channels in (32, 32, 4):
        w = b.constant(np.ones((channels, 9, 1, b.tensors[x].shape[3])), "int8", b.tensors[x].quant)
        y = b.tensor(1, 16000, 1, channels)
        x = b.op("CONV_2D", (x, w, b.constant([0] * channels)), y, **{**CONV, "padding": "SAME"})
    by_target, plan = planned(b.graph(x))
    assert plan.arena_bytes < 16000 * 40
    assert all(len(c.pipeline.tasks) <= 1500 for calls in by_target for c in calls if c.pipeline)


def test_nothing_is_made_before_it_is_asked_for() -> None:
    graph = deep(8, 8, 8, 8)
    calls = select_kernels(graph, TARGETS["host"])
    buffered = [calls[0].outputs[0], calls[1].outputs[0]]
    order = order_rows(graph, calls, buffered, [1, 1, 1])
    assert set(order.heights.values()) == {3}
    assert [task.part for task in order.tasks[:6]] == [0, 0, 1, 0, 1, 2]
    for part in range(3):
        assert sum(t.rows for t in order.tasks if t.part == part) == 64


def test_rows_that_no_window_covers_are_not_made() -> None:
    b = GraphBuilder()
    x = b.input(1, 7, 3, 1)
    y = b.op("LOGISTIC", (x,), b.tensor(1, 7, 3, 1))
    z = b.op("MAX_POOL_2D", (y,), b.tensor(1, 3, 1, 1), **POOL)
    graph = b.graph(z)
    order = order_rows(graph, select_kernels(graph, TARGETS["host"]), [y], [1, 1])
    assert sum(task.rows for task in order.tasks if task.part == 0) == 6


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_random_chains_are_sound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_network(rng)
    by_target = random_pipelines(graph, [select_kernels(graph, TARGETS[t]) for t in CPUS], rng)
    plan = plan_memory(graph, [common_call(step) for step in zip(*by_target, strict=True)])
    for calls in by_target:
        check_plan(graph, calls, plan)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_plans_of_random_networks_are_sound_and_the_same_again(seed: int) -> None:
    graph = random_network(np.random.default_rng(seed))
    first, again = planned(graph)[0], planned(graph)[0]
    for a, b in zip(first, again, strict=True):
        assert [c.in_place for c in a] == [c.in_place for c in b]
        assert [c.pipeline and c.pipeline.tasks for c in a] == [
            c.pipeline and c.pipeline.tasks for c in b
        ]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda t: t[1:], "must be whole"),
        (lambda t: (t[-1], *t), "must be whole"),
        (lambda t: tuple(RowTask(p, r, 0) for p, r, _ in t), "must be"),
        (lambda t: tuple(RowTask(p, r, d + (d > 0)) for p, r, d in t), "must be"),
        (lambda t: t[:-1], "must be whole"),
    ],
)
def test_check_refuses_wrong_tasks(damage: object, message: str) -> None:
    graph = deep(8, 32, 32, 8)
    [[call]], plan = planned(graph, "cortex-m4")
    assert call.pipeline is not None
    assert callable(damage)
    wrong = replace(call, pipeline=replace(call.pipeline, tasks=damage(call.pipeline.tasks)))
    with pytest.raises(PlanError, match=message):
        check_plan(graph, [wrong], plan)


def test_check_refuses_a_lift_that_is_too_small() -> None:
    graph = deep(16, 16)
    [[call]], plan = planned(graph, "cortex-m4")
    short = replace(call, in_place={0: 64 * 16})
    with pytest.raises(PlanError, match="written apart"):
        check_plan(graph, [short], plan)
    assert call.rows is not None
    jumping = replace(call, rows=replace(call.rows, in_order=False))
    with pytest.raises(PlanError, match="made in order"):
        check_plan(graph, [jumping], plan)
