"""Time for RAM: only as far as it is asked for, and exact all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from relocatable.blob.blob import Blob
from relocatable.compile import compile_model, lower, schedule, schedule_within
from relocatable.errors import UnsupportedError
from relocatable.graph.graph import Graph
from relocatable.ops.operator import Operator
from relocatable.ops.select_kernels import select_kernels
from relocatable.ops.site import Site
from relocatable.read_tflite import read_tflite
from relocatable.schedule import row_pipeline
from relocatable.schedule.fit_arena import Choice
from relocatable.schedule.row_order import RowOrder, order_rows
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets import find_target
from tests.conftest import shared_model
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite
from tests.row_graphs import random_network

M4 = find_target("cortex-m4")


def dense(inputs: int = 2000) -> Graph:
    """Two layers: the DSP kernel of the first one widens its many inputs."""
    b = GraphBuilder()
    x = b.input(1, inputs)
    for outputs in (8, 4):
        weights = np.arange(outputs * b.tensors[x].count).reshape(outputs, -1) % 5
        y = b.tensor(1, outputs)
        w = b.constant(weights, "int8", quant=b.tensors[x].quant)
        b.op(
            *("FULLY_CONNECTED", (x, w), y),
            fused_activation_function="NONE",
            keep_num_dims=False,
            weights_format="DEFAULT",
        )
        x = y
    return b.graph(x)


def test_a_kernel_with_less_scratch_is_taken_where_the_peak_is() -> None:
    graph = lower(dense())
    fast, small = schedule(graph, None, [M4]), schedule_within(graph, None, [M4])
    assert small.plan.arena_bytes <= 2064 < 4000 < fast.plan.arena_bytes
    sources = [[call.source.split("/")[-1] for call in p.calls[0]] for p in (fast, small)]
    assert sources[0] == ["fully_connected_dsp.c"] * 2
    assert sources[1] == ["fully_connected.c", "fully_connected_dsp.c"]  # the second one may stay


def test_nothing_is_found_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    lowered, played = list[object](), list[object]()
    lower_one, order = Operator.lower, order_rows

    def count_lowered(operator: Operator, site: Site, is_frugal: bool = False) -> KernelCall:
        lowered.append((site.op.outputs, is_frugal))
        return lower_one(operator, site, is_frugal)

    def count_played(*arguments: Any) -> RowOrder:
        _, parts, buffered, at_once = arguments
        layers = tuple((call.outputs, call.rows) for call in parts)
        played.append((layers, frozenset(buffered), tuple(at_once)))
        return order(*arguments)

    monkeypatch.setattr(Operator, "lower", count_lowered)
    monkeypatch.setattr(row_pipeline, "order_rows", count_played)
    schedule_within(lower(random_network(np.random.default_rng(3))), None, [M4])
    for found in (lowered, played):
        assert len(found) == len(set(found)) > 0


def test_groups_of_rows_are_made_once_for_the_same_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    planned, checked = list[object](), list[Any]()
    make = row_pipeline.RowPlanner.__init__

    def count_planners(planner: row_pipeline.RowPlanner, *arguments: Any) -> None:
        planned.append(tuple(call.source for call in arguments[1][0]))
        make(planner, *arguments)

    monkeypatch.setattr(row_pipeline.RowPlanner, "__init__", count_planners)
    monkeypatch.setattr("relocatable.compile.check_plan", lambda *plan: checked.append(plan))
    program = schedule_within(lower(dense()), None, [M4])
    assert len(planned) == len(set(planned)) > 1
    assert [plan[1] for plan in checked] == [program.calls[0]]  # what was tried besides is not it


def test_time_is_kept_if_there_is_room() -> None:
    graph = lower(dense())
    fast = schedule(graph, None, [M4])
    for room in (0, 1000):
        found = schedule_within(graph, None, [M4], False, fast.plan.arena_bytes + room)
        assert [c.source for c in found.calls[0]] == [c.source for c in fast.calls[0]]


def test_what_cannot_fit_is_refused_with_the_least_there_is() -> None:
    model = make_tflite(dense())
    least = Blob.unpack(compile_model(model, target="cortex-m4", optimize="ram", golden=False))
    bytes_ = least.variants[0].arena_bytes
    with pytest.raises(UnsupportedError, match=f"arena must be at most 1000; is {bytes_}"):
        compile_model(model, target="cortex-m4", max_ram=1000, golden=False)
    blob = compile_model(model, target="cortex-m4", max_ram=bytes_, golden=False)
    assert Blob.unpack(blob).variants[0].arena_bytes == bytes_


def test_any_room_between_the_least_and_the_fastest_is_kept() -> None:
    data = shared_model("mnist_small_int8.tflite").read_bytes()
    graph = lower(read_tflite(data, "mnist_small"))
    fast = schedule(graph, None, [M4]).plan.arena_bytes
    least = schedule_within(graph, None, [M4]).plan.arena_bytes
    assert least < fast
    for room in (least, (least + fast) // 2):
        assert schedule_within(graph, None, [M4], False, room).plan.arena_bytes <= room


def test_a_fat_blob_has_one_arena() -> None:
    targets = ["cortex-m55", "cortex-m4", "cortex-m0plus"]
    model = make_tflite(dense())
    blob = Blob.unpack(compile_model(model, target=targets, optimize="ram", golden=False))
    assert {v.arena_bytes for v in blob.variants} == {blob.variants[0].arena_bytes}
    assert blob.variants[0].arena_bytes <= 2064


@pytest.mark.parametrize("seed", range(2))
def test_rows_within_some_memory(seed: int) -> None:
    graph = random_network(np.random.default_rng(seed), "int8")
    plain = schedule(graph, None, [M4])
    small = schedule(graph, None, [M4], False, Choice(memory=0))
    assert small.plan.arena_bytes <= plain.plan.arena_bytes
    everything = {op.outputs[0] for op in graph.ops}
    fast, frugal = select_kernels(graph, M4), select_kernels(graph, M4, everything)
    assert all(a.scratch_bytes >= b.scratch_bytes for a, b in zip(fast, frugal, strict=True))
