"""What a model keeps from run to run: read, placed, checked, written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from relocatable.blob.blob import Blob
from relocatable.compile import compile_model, lower, schedule
from relocatable.errors import ModelError, PlanError, UnsupportedError
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, GraphError, State, verify_graph
from relocatable.ops import views
from relocatable.passes.place_states import place_states
from relocatable.read_tflite import read_tflite
from relocatable.schedule.check_plan import check_plan
from relocatable.targets import find_target
from tests.make_tflite import make_tflite, schema
from tests.variables import VariableBuilder, streaming_model

ZEROS = np.zeros((1, 6), np.int8)


def counting(b: VariableBuilder, name: str) -> int:
    """Add the input to a variable; return the sum."""
    total = b.op("ADD", (b.inputs[0], b.read(name, b.tensor(1, 6))), b.tensor(1, 6), **ADDED)
    b.assign(name, total)
    return total


ADDED: dict[str, Any] = {"fused_activation_function": "NONE"}


def test_every_value_of_a_variable_is_a_tensor() -> None:
    graph = read_tflite(streaming_model(), "streaming")
    kinds = [op.kind for op in graph.ops]
    assert "VAR_HANDLE" not in kinds
    assert "CALL_ONCE" not in kinds
    verify_graph(graph)
    assert len(graph.states) == 2
    for state in graph.states:
        assert state.first != state.last
        assert state.initial is not None
    assert (graph.input_names, graph.output_names) == (("frames",), ("scores",))


def test_what_computes_the_next_value_writes_it_where_the_state_lies() -> None:
    graph = lower(read_tflite(streaming_model(), "streaming"))
    assert not any("copies" in op.attrs for op in graph.ops)
    program = schedule(graph, None, [find_target("host")])
    plan, source = program.plan, views(graph)
    for state in graph.states:
        assert plan.offsets[source[state.last]] == plan.offsets[state.first]
    assert [call.kind for call in program.calls[0]][-1] == "RESET"


def test_an_output_is_no_state() -> None:
    b = VariableBuilder({"a": ZEROS})
    b.input(1, 6)
    graph = lower(read_tflite(b.model(counting(b, "a")), "counter"))
    [copied] = [op for op in graph.ops if "copies" in op.attrs]
    assert copied.outputs == (graph.states[0].last,)


def test_what_was_read_before_stays_as_it_was() -> None:
    b = VariableBuilder({"a": ZEROS})
    x = b.input(1, 6)
    old = b.read("a", b.tensor(1, 6))
    b.assign("a", x)
    y = b.op("ADD", (old, old), b.tensor(1, 6), **ADDED)
    graph = lower(read_tflite(b.model(y), "late"))
    kinds = [(op.kind, "copies" in op.attrs) for op in graph.ops]
    assert kinds == [("RESHAPE", True), ("RESHAPE", True), ("ADD", False)]
    assert graph.ops[2].inputs[0] == graph.ops[0].outputs[0]


def program_of(model: bytes) -> Any:
    return schedule(lower(read_tflite(model, "test")), None, [find_target("host")])


def test_nothing_else_may_lie_where_states_lie() -> None:
    program = program_of(streaming_model())
    graph, plan, calls = program.graph, program.plan, program.calls[0][:-1]
    check_plan(graph, calls, plan)
    other = next(i for i in plan.offsets if plan.offsets[i] < plan.state_offset)
    for moved in (
        {**plan.offsets, other: plan.state_offset},
        {**plan.offsets, graph.states[0].first: 0},
        {**plan.offsets, graph.states[0].last: plan.offsets[graph.states[1].last]},
    ):
        with pytest.raises(PlanError):
            check_plan(graph, calls, replace(plan, offsets=moved))
    with pytest.raises(PlanError):
        check_plan(graph, calls, replace(plan, state_bytes=plan.state_bytes - 16))


def test_a_state_that_is_overwritten_too_early_is_found() -> None:
    b = GraphBuilder()
    x, state = b.input(1, 6), b.state(1, 6)
    b.op("ADD", (x, x), state.last, **ADDED)
    y = b.op("ADD", (x, state.first), b.tensor(1, 6), **ADDED)
    graph = b.graph(y)
    program = schedule(place_states(graph), None, [find_target("host")], True)
    check_plan(program.graph, program.calls[0], program.plan)
    with pytest.raises(PlanError, match="must be whole"):
        schedule(graph, None, [find_target("host")], True)


def test_the_blob_says_where_the_state_lies_and_how_it_is_set() -> None:
    blob = Blob.unpack(compile_model(streaming_model(), target="cortex-m4"))
    assert blob.state is not None
    [variant] = blob.variants
    assert blob.state.reset_step + blob.state.reset_steps == len(variant.steps)
    assert blob.state.arena_offset + blob.state.size_bytes == variant.arena_bytes
    assert blob.golden is not None
    assert blob.golden.runs == 3
    names = [port["name"] for port in (*blob.metadata["inputs"], *blob.metadata["outputs"])]
    assert names == ["frames", "scores"]
    assert all(entry.network_steps < len(variant.steps) for entry in blob.entries)


def test_zeros_need_no_step() -> None:
    b = VariableBuilder({"a": ZEROS})
    b.input(1, 6)
    blob = Blob.unpack(compile_model(b.model(counting(b, "a")), target="cortex-m4", golden=False))
    assert blob.state is not None
    assert blob.state.reset_steps == 0


def model_with(edit: Callable[[Any], None]) -> bytes:
    b = VariableBuilder({"a": ZEROS})
    b.input(1, 6)
    return b.model(counting(b, "a"), edit=edit)


def call_subgraph(index: int) -> Callable[[Any], None]:
    def edit(model: Any) -> None:
        model.subgraphs[0].operators[0].builtinOptions.initSubgraphIndex = index

    return edit


@pytest.mark.parametrize("index", [-1, 0, 2, 1 << 20])
def test_only_another_subgraph_is_called_once(index: int) -> None:
    with pytest.raises(ModelError, match="subgraph of CALL_ONCE must be in"):
        read_tflite(model_with(call_subgraph(index)), "test")


def compute_initial(model: Any) -> None:
    model.subgraphs[1].tensors[0].buffer = 0


def compute_in_init(model: Any) -> None:
    handle = model.subgraphs[1].operators[0]
    handle.opcodeIndex = model.subgraphs[0].operators[3].opcodeIndex
    handle.builtinOptions, handle.builtinOptionsType = None, 0


def call_late(model: Any) -> None:
    operators = model.subgraphs[0].operators
    operators.append(operators.pop(0))


def read_a_number(model: Any) -> None:
    model.subgraphs[0].operators[2].inputs = [model.subgraphs[0].inputs[0]]


def assign_nothing(model: Any) -> None:
    model.subgraphs[0].operators[4].inputs = model.subgraphs[0].operators[4].inputs[:1]


def add_a_handle(model: Any) -> None:
    operators = model.subgraphs[0].operators
    operators[3].inputs = [operators[1].outputs[0], operators[3].inputs[1]]


def output_a_handle(model: Any) -> None:
    model.subgraphs[0].outputs = model.subgraphs[0].operators[1].outputs


@pytest.mark.parametrize(
    "edit",
    [
        *(compute_initial, compute_in_init, call_late, read_a_number, assign_nothing),
        *(add_a_handle, output_a_handle),
    ],
)
def test_odd_uses_of_variables_are_refused(edit: Callable[[Any], None]) -> None:
    with pytest.raises(UnsupportedError):
        read_tflite(model_with(edit), "test")


@pytest.mark.parametrize("edit", [assign_nothing, compute_in_init, None])
def test_variables_hide_no_other_violation(edit: Callable[[Any], None] | None) -> None:
    def damage(model: Any) -> None:
        if edit:
            edit(model)
        else:  # what cannot be read
            model.subgraphs[0].tensors[
                model.subgraphs[0].inputs[0]
            ].type = schema.TensorType.FLOAT16
        operators = model.subgraphs[0].operators
        unknown = schema.OperatorCodeT()
        unknown.builtinCode = unknown.deprecatedBuiltinCode = schema.BuiltinOperator.UNIQUE
        odd = schema.OperatorT()
        odd.opcodeIndex, odd.inputs = len(model.operatorCodes), list(model.subgraphs[0].inputs)
        odd.outputs = []
        model.operatorCodes.append(unknown)
        operators.append(odd)

    with pytest.raises(UnsupportedError) as caught:
        read_tflite(model_with(damage), "test")
    assert {v.op for v in caught.value.violations} >= {"UNIQUE"}
    assert len(caught.value.violations) >= 2


def test_a_variable_keeps_its_type_and_size() -> None:
    b = VariableBuilder({"a": np.zeros((1, 5), np.int8)})
    b.input(1, 6)
    with pytest.raises(ModelError, match="must keep its type and size"):
        read_tflite(b.model(counting(b, "a")), "test")
    state = State(0, 0, np.zeros(3, np.int8))
    plain = GraphBuilder()
    plain.tensor(1, 6)
    with pytest.raises(GraphError, match="must keep its type and size"):
        verify_graph(replace(plain.graph(0), states=(state,)))


def svdf(twice: bool) -> Graph:
    b = GraphBuilder()
    x, state = b.input(1, 3), b.state(1, 4, dtype="float32", quant=None)
    weights = [b.constant(np.ones(shape), "float32") for shape in ((4, 3), (4, 1))]
    for _ in range(1 + twice):
        y = b.tensor(1, 4, dtype="float32")
        b.op(
            *("SVDF", (x, *weights, state.first), y, state.last),
            rank=1,
            fused_activation_function="NONE",
            asymmetric_quantize_inputs=False,
        )
    return b.graph(y)


def test_a_variable_tensor_is_changed_once() -> None:
    assert len(read_tflite(make_tflite(svdf(False)), "test").states) == 1
    with pytest.raises(UnsupportedError, match="changed by one operator, once"):
        read_tflite(make_tflite(svdf(True)), "test")


def test_the_first_values_of_a_state_may_be_read() -> None:
    b = VariableBuilder({"ring": ZEROS})
    x = b.input(1, 6)
    ring = b.read("ring", b.tensor(1, 6))
    begin, size = b.constant([0, 0]), b.constant([1, 2])
    part = b.op("SLICE", (ring, begin, size), b.tensor(1, 2))
    y = b.op("RELU", (part,), b.tensor(1, 2))
    b.assign("ring", x)
    graph = lower(read_tflite(b.model(y), "first"))
    schedule(graph, None, [find_target("host")])
