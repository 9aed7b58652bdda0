"""What a small file may cost: refused by its numbers before it is allocated."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from relocatable import limits
from relocatable.compile import lower, schedule
from relocatable.errors import ModelError, RelocatableError, UnsupportedError
from relocatable.graph.graph import Graph
from relocatable.limits import check_work, shares_kernels
from relocatable.ops.select_kernels import select_kernels
from relocatable.read_tflite import read_tflite
from relocatable.schedule import row_pipeline
from relocatable.schedule.check_plan import check_plan
from relocatable.schedule.row_order import RowOrder, order_rows
from relocatable.steps.kernel_call import Plan
from relocatable.targets import TARGETS, find_target
from tests.conftest import ROOT
from tests.hostile_models import hostile_models
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite

HOSTILE = dict(hostile_models())
HOST = find_target("host")


def scheduled(name: str) -> None:
    """Do all of a compile but C and the golden vector."""
    graph = lower(read_tflite(make_tflite(HOSTILE[name]()), name))
    schedule(graph, None, [HOST], True)


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MEAN (1, 4, 8388612, 3)", "bytes of tensor 't1' must be at most 67108864"),
        ("CONCATENATION (1, 16777216)", "bytes of tensor"),
        ("MAX_POOL_2D 4096 1", "multiply-accumulates and values must be at most"),
        ("MAX_POOL_2D 2147483647 1", "multiply-accumulates and values must be at most"),
        ("CONV_2D 1024 64", "bytes of all inputs and outputs must be at most"),
        ("RESIZE 4194304", "output must have at most 16384 rows and columns"),
        ("CONV_2D 16384 channels 50 times", "scales of constants that operators read"),
        ("FULLY_CONNECTED 1000 times", "bytes of constants that operators read"),
        ("folds int8", "bytes of tensor"),
    ],
)
def test_refused_by_its_numbers(name: str, message: str) -> None:
    with pytest.raises(RelocatableError, match=message):
        scheduled(name)


def test_a_larger_file_may_cost_more() -> None:
    graph = lower(read_tflite(make_tflite(HOSTILE["CONV_2D 16384 channels"]()), "small"))
    calls = select_kernels(graph, HOST)
    heavy = [replace(call, macs=(1 << 31) + 1) for call in calls]
    with pytest.raises(UnsupportedError, match="graph 'small': multiply-accumulates"):
        check_work(replace(graph, file_bytes=0), heavy)
    check_work(replace(graph, file_bytes=1 << 20), heavy)
    most = [replace(call, macs=6_000_000_001) for call in calls]
    with pytest.raises(UnsupportedError, match="must be at most 6000000000"):
        check_work(replace(graph, file_bytes=1 << 30), most)


@pytest.mark.parametrize("kind", ["_READ", "_SCALES", "_WORK", "_FOLDED"])
def test_no_file_is_large_enough_for_everything(kind: str) -> None:
    base, per_byte, most = getattr(limits, kind)
    assert base < most < base + per_byte * (1 << 26)


def test_a_file_is_no_larger_than_what_boards_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_tflite(_small_relu())
    monkeypatch.setattr("relocatable.read_tflite._MAX_FILE_BYTES", len(data))
    read_tflite(data, "small")
    with pytest.raises(ModelError, match=f"must be at most {len(data)}; are {len(data) + 1}"):
        read_tflite(data + b"x", "large")


def test_products_of_floats_take_longer() -> None:
    b = GraphBuilder()
    x = b.input(1, 8, dtype="float32")
    graph = lower(b.graph(b.op("RELU", (x,), b.tensor(1, 8, dtype="float32"))))
    calls = [replace(call, macs=1 << 30) for call in select_kernels(graph, HOST)]
    with pytest.raises(UnsupportedError, match="multiply-accumulates and values"):
        check_work(graph, calls)


def test_constants_that_are_computed_are_bounded() -> None:
    b = GraphBuilder()
    c = b.constant([0] * (1 << 12), "int32")
    for _ in range(5):
        shape = b.tensors[c].count * 10
        y = b.tensor(shape, dtype="int32")
        c = b.op("PACK", [c] * 10, y, axis=0)
    graph = b.graph(b.op("CAST", (c,), b.tensor(b.tensors[c].count, dtype="float32")))
    with pytest.raises(RelocatableError, match="must have at most 16777216 bytes"):
        lower(graph)


def test_a_check_costs_as_much_as_its_runs_not_its_bytes() -> None:
    b = GraphBuilder()
    x = b.input(1, 1 << 40)
    graph = b.graph(b.op("RELU", (x,), b.tensor(1, 1 << 40)))
    call = replace(select_kernels(lower(_small_relu()), HOST)[0], in_place={0: 0})
    check_plan(graph, [call], Plan(1 << 40, {0: 0, 1: 0}, {}))


def _small_relu() -> Graph:
    b = GraphBuilder()
    return b.graph(b.op("RELU", (b.input(1, 8),), b.tensor(1, 8)))


def test_rows_that_are_tried_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    played = 0

    def count(*arguments: Any) -> RowOrder:
        nonlocal played
        order = order_rows(*arguments)
        played += len(order.tasks)
        return order

    monkeypatch.setattr(row_pipeline, "order_rows", count)
    monkeypatch.setattr(row_pipeline, "_MOST_PLAYED", 3000)
    graph = lower(HOSTILE["40 MAX_POOL_2D"]())
    schedule(graph, None, [TARGETS["cortex-m4"]])
    assert 0 < played <= 3000


def test_many_steps_share_their_kernels() -> None:
    calls = select_kernels(lower(_small_relu()), HOST)
    assert not shares_kernels(calls * 500)
    assert shares_kernels(calls * 501)


def test_the_first_example_costs_nothing() -> None:
    data = make_tflite(HOSTILE["MEAN (1, 4, 8388612, 3)"]())
    assert len(data) < 600
    with pytest.raises(ModelError):
        read_tflite(data, "mean")


@pytest.mark.few(24)
@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_small_files_end_soon(name: str) -> None:
    command = [sys.executable, "-m", "tests.hostile_models", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    errors = ("", "ModelError", "UnsupportedError", "GraphError", "RunError")
    assert seen["error"] in errors, seen
    assert seen["megabytes"] < 500, seen
    assert seen["loops"] < 250, seen  # some 20 s of a processor that does one in 0.08 s
