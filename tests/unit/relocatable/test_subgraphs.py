"""Subgraphs: read within bounds, put in place of calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from relocatable.compile import lower
from relocatable.errors import ModelError, PlanError, UnsupportedError
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Op, Tensor
from relocatable.ops.select_kernels import select_kernels
from relocatable.read_tflite import read_tflite
from relocatable.schedule.check_plan import check_plan
from relocatable.schedule.plan_called import plan_called
from relocatable.schedule.plan_memory import plan_memory
from relocatable.steps.kernel_call import KernelCall, Plan
from relocatable.targets import TARGETS
from tests.make_tflite import make_tflite

COMPOSITE = "STABLEHLO_COMPOSITE"


def relu(shape: tuple[int, ...] = (1, 4)) -> Graph:
    """Make a graph of one operator."""
    b = GraphBuilder()
    x = b.input(*shape, dtype="float32")
    return b.graph(b.op("RELU", (x,), b.tensor(*shape, dtype="float32")))


def calling(*called: Graph, kind: str = COMPOSITE) -> Graph:
    """Make a graph that calls others, one after another."""
    b = GraphBuilder()
    x = b.input(1, 4, dtype="float32")
    for one in called:
        y = b.tensor(1, 4, dtype="float32")
        b.ops.append(Op(kind, f"t{y}", (x,), (y,), {}, (one,)))
        x = y
    return b.graph(x)


def read(graph: Graph, edit: Callable[[Any], None] | None = None) -> Graph:
    return read_tflite(make_tflite(graph, edit), "calls")


def test_a_composite_is_what_its_subgraph_does() -> None:
    graph = lower(read(calling(relu(), calling(relu(), relu()), relu())))
    assert [op.kind for op in graph.ops] == ["RELU"] * 4


def test_a_composite_of_another_shape_keeps_the_bytes() -> None:
    graph = read(calling(relu((2, 2))))
    assert [op.kind for op in graph.ops] == ["RESHAPE", "RELU", "RESHAPE"]
    assert graph.tensors[graph.ops[1].inputs[0]].shape == (2, 2)
    assert [op.kind for op in lower(graph).ops] == ["RESHAPE", "RELU", "RESHAPE"]


def test_a_composite_may_return_what_it_is_given() -> None:
    b = GraphBuilder()
    x, y = b.input(1, 4, dtype="float32"), b.constant([[1, 2, 3, 4]], "float32")
    given = b.graph(x, y)
    main = GraphBuilder()
    x = main.input(1, 4, dtype="float32")
    unused = main.constant(np.zeros((1, 4)), "float32")
    outputs = tuple(main.tensor(1, 4, dtype="float32") for _ in range(2))
    called = replace(given, inputs=(given.inputs[0], len(given.tensors)))
    called = replace(called, tensors=(*called.tensors, Tensor("c", (1, 4), "float32")))
    main.ops.append(Op(COMPOSITE, "call", (x, unused), outputs, {}, (called,)))
    y = main.op(
        "ADD", outputs, main.tensor(1, 4, dtype="float32"), fused_activation_function="NONE"
    )
    graph = lower(read(main.graph(y)))
    assert [op.kind for op in graph.ops] == ["ADD"]
    assert graph.ops[0].inputs[0] == graph.inputs[0]


def test_calls_of_calls_are_bounded() -> None:
    graph = relu()
    for _ in range(8):
        graph = calling(graph)
    assert len(read(graph).ops) == 1
    with pytest.raises(ModelError, match="depth must be in"):
        read(calling(graph))


def test_a_subgraph_that_calls_itself_is_refused() -> None:
    def turn(model: Any) -> None:
        call = model.subgraphs[1].operators[0]
        call.builtinOptions2.decompositionSubgraphIndex = 1

    with pytest.raises(ModelError, match="depth must be in"):
        read(calling(calling(relu())), turn)


def test_calls_that_multiply_are_bounded() -> None:
    def multiply(model: Any) -> None:
        for sub in model.subgraphs[:-1]:
            sub.operators *= 8

    graph = relu()
    for _ in range(6):
        graph = calling(graph)
    with pytest.raises(ModelError, match="operators of all calls must be in"):
        read(graph, multiply)


@pytest.mark.parametrize("index", [-1, 0, 9, 1 << 30])
def test_a_subgraph_that_is_not_there_is_refused(index: int) -> None:
    def point(model: Any) -> None:
        model.subgraphs[0].operators[0].builtinOptions2.decompositionSubgraphIndex = index

    with pytest.raises(ModelError, match="subgraph of STABLEHLO_COMPOSITE must be in"):
        read(calling(relu()), point)


def test_a_subgraph_of_another_size_is_refused() -> None:
    with pytest.raises(ModelError, match="called graph must have float32"):
        read(calling(relu((1, 5))))
    with pytest.raises(ModelError, match="called graph must have 1 inputs and 1 outputs"):
        read(calling(replace(relu(), outputs=())))


def test_variable_tensors_of_a_subgraph_are_refused() -> None:
    def vary(model: Any) -> None:
        model.subgraphs[1].tensors[0].isVariable = True

    with pytest.raises(UnsupportedError, match="variable tensors must be used by the main"):
        read(calling(relu()), vary)


def loop() -> Graph:
    """Make a loop whose body needs memory of its own."""
    test, body, main = GraphBuilder(), GraphBuilder(), GraphBuilder()
    x = test.input(1, 4, dtype="float32")
    most = test.op("REDUCE_MAX", (x, test.constant([0, 1])), test.tensor(dtype="float32"))
    test.ops[-1] = replace(test.ops[-1], attrs={"keep_dims": False})
    limit = test.constant(9.0, "float32")
    condition = test.graph(test.op("LESS", (most, limit), test.tensor(dtype="bool")))
    y = body.input(1, 4, dtype="float32")
    for kind in ("ABS", "EXP", "NEG", "ABS"):
        y = body.op(kind, (y,), body.tensor(1, 4, dtype="float32"))
    doubled = body.graph(y)
    x, y = main.input(1, 4, dtype="float32"), main.tensor(1, 4, dtype="float32")
    main.ops.append(Op("WHILE", "loop", (x,), (y,), {}, (condition, doubled)))
    return lower(main.graph(y))


def planned(graph: Graph) -> tuple[KernelCall, Plan]:
    calls = plan_called(select_kernels(graph, TARGETS["host"]))
    plan = plan_memory(graph, calls)
    check_plan(graph, calls, plan)
    return calls[0], plan


def test_the_plans_of_called_graphs_are_checked() -> None:
    graph = loop()
    call, plan = planned(graph)
    test, body = call.called
    assert body.plan is not None
    last = body.graph.states[0].last
    damaged = replace(body, plan=replace(body.plan, offsets={**body.plan.offsets, last: 0}))
    for wrong, text in (
        (replace(call, called=(test, damaged)), "must begin and end a run at one place"),
        (replace(call, called=(test, replace(body, plan=None))), "scratch must hold"),
        (replace(call, scratch_bytes=0), "scratch must hold"),
        (replace(call, ports=graph.inputs), "must lie at one of the step's tensors"),
    ):
        with pytest.raises(PlanError, match=text):
            check_plan(graph, (wrong,), plan)
