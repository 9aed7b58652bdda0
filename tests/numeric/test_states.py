"""What models keep from run to run: every output as LiteRT's, run after run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from relocatable import compile_model
from relocatable.blob.host import HostModel
from relocatable.graph.builder import PLAIN
from relocatable.ops import OPERATORS
from relocatable.ops.node import Node
from relocatable.ops.svdf import sample as svdf_sample
from relocatable.ops.unidirectional_sequence_lstm import sample as lstm_sample
from relocatable.support import check_support
from tests.make_tflite import make_tflite, schema
from tests.numeric.harness import Array, build, initial_values, inputs_of
from tests.variables import VariableBuilder, streaming_model


def interpreter_of(model: bytes) -> Interpreter:
    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        # Else LiteRT 2.3 adds in place to what a RESHAPE shares with another tensor.
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    return interpreter


def run_reference(interpreter: Interpreter, inputs: Sequence[Array]) -> list[Array]:
    for detail, x in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def assert_equal_runs(model: bytes, runs: int, whole_tensors: bool) -> None:
    rng = np.random.default_rng(5)
    blob = compile_model(
        model, target="host", optimize="size", whole_tensors=whole_tensors, golden=False
    )
    interpreter = interpreter_of(model)
    details = interpreter.get_input_details()
    with HostModel(blob) as host:
        begun: list[list[Array]] = []
        for run in range(runs):
            inputs = [rng.integers(-128, 128, d["shape"], np.int8) for d in details]
            wanted = run_reference(interpreter, inputs)
            host.write_inputs(inputs)
            host.run()
            for got, want in zip(host.outputs(), wanted, strict=True):
                assert np.array_equal(got, want), f"run {run}"
            begun = begun or [inputs, wanted]
        host.reset_state()
        host.write_inputs(begun[0])
        host.run()
        for got, want in zip(host.outputs(), begun[1], strict=True):
            assert np.array_equal(got, want)


@pytest.mark.parametrize("whole_tensors", [False, True])
def test_a_streaming_model_is_exact(whole_tensors: bool) -> None:
    assert_equal_runs(streaming_model(), 200, whole_tensors)


def random_program(seed: int) -> bytes:
    """Read, assign, add and reshape at random: the order of effects counts."""
    rng = np.random.default_rng(seed)
    initial = {
        "a": rng.integers(-128, 128, (1, 6), np.int8),
        "b": np.full((1, 6), 7, np.int8),
        "c": np.zeros((1, 6), np.int8),
    }
    b = VariableBuilder(initial)
    values = [b.input(1, 6), b.input(1, 6)]
    constant = b.constant(rng.integers(-128, 128, (1, 6)), "int8", PLAIN)
    computed = []
    for _ in range(int(rng.integers(3, 14))):
        kind, name = int(rng.integers(5)), str(rng.choice([*initial]))
        value = int(rng.choice(values))
        if kind == 0:
            values.append(b.read(name, b.tensor(1, 6)))
        elif kind == 1:
            b.assign(name, constant if rng.random() < 0.2 else value)
        elif kind == 2:
            to = b.tensor(6, 1)
            b.op("RESHAPE", (value, b.constant([6, 1])), to)
            back = b.tensor(1, 6)
            values.append(b.op("RESHAPE", (to, b.constant([1, 6])), back))
        else:
            y = b.tensor(1, 6)
            b.op(
                *("ADD", (value, int(rng.choice(values))), y),
                fused_activation_function="NONE",
            )
            values.append(y)
        if kind not in (1,):
            computed.append(values[-1])
    computed = computed or [b.read("a", b.tensor(1, 6))]
    for name in initial:  # what is kept shows
        computed.append(b.read(name, b.tensor(1, 6)))
    chosen = rng.choice(computed, min(3, len(computed)), replace=False)
    return b.model(*(int(i) for i in dict.fromkeys(chosen.tolist())))


@pytest.mark.parametrize("seed", range(100))
def test_effects_keep_their_order(seed: int) -> None:
    assert_equal_runs(random_program(seed), 6, whole_tensors=bool(seed % 2))


def test_svdf_with_a_state_of_bytes() -> None:
    """Compare with the meaning: LiteRT would read such a state out of bounds."""
    rng = np.random.default_rng(8)
    operator = OPERATORS["SVDF"]
    graphs = [svdf_sample(rng, "int8 state") for _ in range(30)]
    for graph, program in zip(graphs, build(graphs), strict=True):
        check_support(graph)
        [x] = inputs_of(rng, graph)
        [state] = graph.states
        node = Node.of(graph, graph.ops[0])
        tensors = [graph.tensors[i].data for i in graph.ops[0].inputs[1:]]
        began = initial_values(graph, state)
        values = [x, *(began if data is None else data for data in tensors)]
        assert operator.evaluate is not None
        wanted = operator.evaluate(node, values)
        got = program.run([x])
        for index, want in zip(graph.ops[0].outputs, wanted, strict=True):
            np.testing.assert_array_equal(got[index], want)


def test_states_that_begin_as_float16_constants() -> None:
    """The converter to float16 leaves a DEQUANTIZE before what an LSTM remembers."""
    rng = np.random.default_rng(4)
    graph = lstm_sample(rng, "float32")
    graph = replace(
        graph, ops=(replace(graph.ops[0], attrs={**graph.ops[0].attrs, "cell_clip": 0.0}),)
    )
    [x] = inputs_of(rng, graph)
    cell = graph.states[1].first
    begin = rng.normal(0, 1, graph.tensors[cell].shape).astype(np.float16)

    def insert(model: Any) -> None:
        sub = model.subgraphs[0]
        made = schema.TensorT()
        made.name, made.shape, made.type = "half", list(begin.shape), schema.TensorType.FLOAT16
        made.buffer = len(model.buffers)
        model.buffers.append(schema.BufferT())
        model.buffers[-1].data = np.frombuffer(begin.tobytes(), np.uint8)
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
        code.version = 3
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = len(model.operatorCodes), [len(sub.tensors)], [cell]
        model.operatorCodes.append(code)
        sub.tensors.append(made)
        sub.operators.insert(0, op)

    model = make_tflite(graph, insert)
    interpreter = interpreter_of(model)
    with HostModel(compile_model(model, target="host")) as host:
        seen = []
        for _ in range(4):
            [wanted] = run_reference(interpreter, [x])
            host.write_inputs([x])
            host.run()
            np.testing.assert_allclose(host.outputs()[0], wanted, rtol=0, atol=1e-6)
            seen.append(wanted)
    assert np.abs(seen[1] - seen[0]).max() > 1e-3  # both states change
