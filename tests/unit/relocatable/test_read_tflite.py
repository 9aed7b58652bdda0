"""Reading .tflite bytes: what the graph keeps; a typed error for every damage."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relocatable.errors import ModelError, UnsupportedError
from relocatable.graph.graph import DTYPES, Quant
from relocatable.read_tflite import read_tflite
from tests.conftest import MODELS, shared_model
from tests.make_graph import GraphBuilder, conv_graph
from tests.make_tflite import make_tflite, schema

MODEL = make_tflite(conv_graph())
Edit = Callable[[Any], None]


@pytest.mark.parametrize("name", [*MODELS, "mnist_small_16x8"])
def test_reads_every_shared_model(name: str) -> None:
    graph = read_tflite(shared_model(f"{name}.tflite").read_bytes(), name)
    assert graph.name == name
    assert all(op.outputs for op in graph.ops)


def test_keeps_shapes_types_scales_constants_and_attributes() -> None:
    written = conv_graph(stride_h=2, dilation_w_factor=3, fused_activation_function="RELU6")
    read = read_tflite(make_tflite(written), "test")
    assert (read.inputs, read.outputs) == (written.inputs, written.outputs)
    assert read.ops[0] == written.ops[0]
    for a, b in zip(read.tensors, written.tensors, strict=True):
        assert (a.name, a.shape, a.dtype) == (b.name, b.shape, b.dtype)
        assert (a.data is None) == (b.data is None)
        assert a.data is None or b.data is None or np.array_equal(a.data, b.data)
    assert read.tensors[0].quant == Quant((0.5,), (0,))
    assert read.tensors[1].quant is not None
    assert read.tensors[1].quant.axis == 0
    assert len(read.tensors[1].quant.scale) == 3


def test_absent_optional_input_is_minus_one() -> None:
    b = GraphBuilder()
    x, w = b.input(1, 4), b.constant(np.zeros((2, 4)), "int8", Quant((0.1,), (0,)))
    y = b.op("FULLY_CONNECTED", (x, w, -1), b.tensor(1, 2))
    read = read_tflite(make_tflite(b.graph(y)), "test")
    assert read.ops[0].inputs == (x, w, -1)
    assert read.ops[0].attrs["keep_num_dims"] is False


def test_missing_options_take_the_defaults_of_the_schema() -> None:
    def without(model: Any) -> None:
        model.subgraphs[0].operators[0].builtinOptions = None
        model.subgraphs[0].operators[0].builtinOptionsType = 0

    attrs = read_tflite(make_tflite(conv_graph(), without), "test").ops[0].attrs
    assert (attrs["dilation_h_factor"], attrs["stride_h"], attrs["padding"]) == (1, 0, "SAME")


def test_dynamic_batch_is_one() -> None:
    def dynamic(model: Any) -> None:
        model.subgraphs[0].tensors[0].shape = [-1, 8, 6, 2]

    assert read_tflite(make_tflite(conv_graph(), dynamic), "test").tensors[0].shape == (1, 8, 6, 2)


def test_other_dynamic_dimensions_are_refused() -> None:
    def dynamic(model: Any) -> None:
        model.subgraphs[0].tensors[0].shape = [1, -1, 6, 2]

    with pytest.raises(UnsupportedError, match="dimensions but for the batch must be fixed"):
        read_tflite(make_tflite(conv_graph(), dynamic), "test")


def test_unknown_operator_keeps_its_name() -> None:
    def custom(model: Any) -> None:
        code = model.operatorCodes[0]
        code.builtinCode = schema.BuiltinOperator.CUSTOM
        code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = b"Detection\nPostProcess"
        model.subgraphs[0].operators[0].builtinOptions = None
        model.subgraphs[0].operators[0].builtinOptionsType = 0

    read = read_tflite(make_tflite(conv_graph(), custom), "test")
    assert read.ops[0].kind == "CUSTOM Detection?PostProcess"


def _set(path: str, value: object) -> Edit:
    def edit(model: Any) -> None:
        *way, last = path.split(".")
        target = model
        for step in way:
            target = target[int(step)] if step.isdigit() else getattr(target, step)
        setattr(target, last, value)

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_set("version", 2), "schema version must be 3; is 2"),
        (_set("subgraphs", []), r"subgraphs must be in \[1, 1000\]; is 0"),
        (_set("subgraphs.0.inputs", [9]), r"graph inputs must be in \[0, 4\); is 9"),
        (_set("subgraphs.0.outputs", []), "graph must have inputs and outputs"),
        (_set("subgraphs.0.operators.0.inputs", [0, 1, 44]), r"CONV_2D inputs .*\[-1, 4\); is 44"),
        (_set("subgraphs.0.operators.0.outputs", [-2]), r"CONV_2D outputs .*; is -2"),
        (_set("subgraphs.0.operators.0.opcodeIndex", 7), r"operator code must be in \[0, 1\)"),
        (_set("subgraphs.0.operators.0.builtinOptionsType", 5), "CONV_2D options must be Conv2D"),
        (_set("subgraphs.0.operators.0.builtinOptions.padding", 9), "CONV_2D padding must be one"),
        (_set("subgraphs.0.tensors.1.buffer", 99), r"buffer of tensor 'c1' must be in \[0, 3\)"),
        (_set("subgraphs.0.tensors.1.shape", [3, 3, 3, 9]), "bytes of constant 'c1' must be 243"),
        (_set("subgraphs.0.tensors.0.shape", [1, 1 << 20, 1 << 20, 9]), "bytes of tensor 't0'"),
        (_set("subgraphs.0.tensors.0.shape", [1] * 33), "dimensions of tensor 't0'"),
        (_set("subgraphs.0.tensors.0.quantization.scale", [-1.0]), "scales of tensor 't0'"),
        (_set("subgraphs.0.tensors.0.quantization.scale", [1.0, 2.0]), "scales of tensor 't0'"),
        (_set("subgraphs.0.tensors.0.quantization.zeroPoint", [1, 2]), "zero points of 't0'"),
        (_set("subgraphs.0.operators.0.inputs", [3, 1, 2]), "input 3 must be written before"),
        (_set("buffers.1.offset", 1 << 63), r"end of constant 'c1' must be in \[0, \d+\]; is 9223"),
    ],
)
def test_damage_is_a_model_error(edit: Edit, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read_tflite(make_tflite(conv_graph(), edit), "test")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_set("subgraphs.0.tensors.1.type", schema.TensorType.UINT4), "'c1': dtype .*; is uint4"),
        (_set("subgraphs.0.tensors.0.isVariable", True), "'t0': graph's inputs and outputs must"),
    ],
)
def test_tensors_that_a_graph_cannot_hold_are_refused(edit: Edit, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        read_tflite(make_tflite(conv_graph(), edit), "test")


def test_constants_may_be_padded() -> None:
    def pad(model: Any) -> None:
        model.buffers[1].data = np.append(model.buffers[1].data, np.uint8(7))

    padded = read_tflite(make_tflite(conv_graph(), pad), "test").tensors[1].data
    np.testing.assert_array_equal(np.asarray(padded), read_tflite(MODEL, "test").tensors[1].data)


@pytest.mark.parametrize("missing", [0, 1])
def test_constants_may_lie_behind_the_flatbuffer(missing: int) -> None:
    inside = read_tflite(MODEL, "test").tensors[1].data
    assert inside is not None

    def move(model: Any) -> None:
        buffer = model.buffers[1]
        buffer.data, buffer.offset, buffer.size = None, 1 << 20, inside.nbytes

    data = make_tflite(conv_graph(), move).ljust(1 << 20, b"\0") + inside.tobytes()
    if missing:
        with pytest.raises(ModelError, match="end of constant 'c1' must be in"):
            read_tflite(data[:-missing], "test")
    else:
        np.testing.assert_array_equal(read_tflite(data, "test").tensors[1].data, inside)


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 7, b"not a model at all", b"\x1c\0\0\0TFL2" + bytes(9)]
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="must be b'TFL3'"):
        read_tflite(data, "test")


@pytest.mark.parametrize("end", range(8, len(MODEL), 7))
def test_truncated_file_is_refused_or_still_whole(end: int) -> None:
    with pytest.raises((ModelError, UnsupportedError)):
        read_tflite(MODEL[:end], "test")


@settings(max_examples=400, deadline=1000)
@given(st.lists(st.tuples(st.integers(8, len(MODEL) - 1), st.integers(0, 255)), min_size=1))
def test_any_damage_is_a_typed_error(changes: list[tuple[int, int]]) -> None:
    data = bytearray(MODEL)
    for at, value in changes:
        data[at] = value
    with contextlib.suppress(ModelError, UnsupportedError):
        read_tflite(bytes(data), "test")


def test_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(ModelError, match=r"pip install 'xipnet\[compile\]'"):
        read_tflite(MODEL, "test")


@pytest.mark.parametrize("name", ["tiny8k_int8", "mlperf_vww_int8"])
def test_shared_buffers_cost_no_copies(name: str) -> None:
    graph = read_tflite(shared_model(f"{name}.tflite").read_bytes(), name)
    constants = [t.data for t in graph.tensors if t.data is not None]
    assert all(c.base is not None for c in constants)


def test_names_are_bounded_in_all() -> None:
    b = GraphBuilder()
    tensors = [b.input(4, 4), *(b.tensor(4, 4, name="n" * (1 << 20)) for _ in range(20))]
    for x, y in pairwise(tensors):
        b.op("RELU", (x,), y)
    with pytest.raises(ModelError, match=r"bytes of all names must be in \[0, 16777216\]"):
        read_tflite(make_tflite(b.graph(tensors[-1])), "test")


def test_all_that_cannot_be_read_is_in_one_text() -> None:
    def damage(model: Any) -> None:
        model.subgraphs[0].tensors[0].type = schema.TensorType.FLOAT16
        model.subgraphs[0].tensors[1].type = schema.TensorType.UINT4

    b = GraphBuilder()
    x = b.op("RELU", (b.input(1, 8),), b.tensor(1, 8))
    x = b.op("UNIQUE", (b.op("RELU", (x,), b.tensor(1, 8)),), b.tensor(1, 8))
    graph = b.graph(b.op("LEAKY_RELU", (x,), b.tensor(1, 8), alpha=float("nan")))
    with pytest.raises(UnsupportedError) as caught:
        read_tflite(make_tflite(graph, damage), "test")
    assert str(caught.value).splitlines() == [
        f"2 tensors: 't0', 't1': dtype must be one of {', '.join(DTYPES)}; is float16, uint4",
        "  instead: convert without supported_types, and quantise weights to 8 bits",
        "UNIQUE 't3': operator must be one of docs/OPS.md; is UNIQUE",
        "  instead: end the model before it and compute it in the program that uses the result",
        "LEAKY_RELU 't4': alpha must be finite; is nan",
        "  instead: convert the model again, or use another layer in its place",
        "(all rules: xipnet ops)",
    ]


def test_odd_but_harmless_files_are_read() -> None:
    def odd(model: Any) -> None:
        _set("subgraphs.0.tensors.2.quantization", schema.QuantizationParametersT())(model)
        _set("subgraphs.0.tensors.2.quantization.scale", [0.1, 0.2, 0.3])(model)
        _set("subgraphs.0.tensors.2.quantization.quantizedDimension", 3)(model)
        _set("subgraphs.0.tensors.3.quantization.scale", [0.0])(model)
        _set("operatorCodes.0.version", 1)(model)

    read = read_tflite(make_tflite(conv_graph(), odd), "test")
    bias = read.tensors[2].quant
    assert bias is not None
    assert bias.axis == 0
    assert read.tensors[3].quant is None
