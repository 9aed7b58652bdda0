"""Write a Graph as a .tflite with LiteRT's own schema, and run it by LiteRT."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import flatbuffers
import numpy as np
import pytest
from flatbuffers import flexbuffers

from relocatable.graph.edit import float_attr, int_attr
from relocatable.graph.graph import AttrValue, Graph, Op, Quant, Tensor
from relocatable.ops import OPERATORS
from relocatable.ops.operator import CustomOptions, Options, StructOptions

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")

_ENUMS = {"padding": "Padding", "fused_activation_function": "ActivationFunctionType"}


def make_tflite(
    graph: Graph, edit: Callable[[Any], None] | None = None, others: Sequence[Graph] = ()
) -> bytes:
    """Write the graph as a .tflite.

    Args:
        graph: what to write; its states as variable tensors.
        edit: changes the schema's own model object before it is written, for damaged files.
        others: further subgraphs.
    """
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    model.operatorCodes = []
    model.subgraphs = [None] * (1 + len(others))
    for i, one in enumerate((graph, *others)):
        model.subgraphs[i] = _subgraph(model, one)
    if edit:
        edit(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def of_first_versions(model: bytes, kind: str) -> bytes:
    """Give operators of a kind version 1, for kernels that know no later one."""
    table = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model))
    for code in table.operatorCodes:
        if code.builtinCode == getattr(schema.BuiltinOperator, kind):
            code.version = 1
    builder = flatbuffers.Builder(len(model))
    builder.Finish(table.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run_litert(model: bytes, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Compute the outputs of LiteRT's reference kernels."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(
        model_content=model, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    for detail, x in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def random_inputs(graph: Graph, seed: int) -> list[np.ndarray]:
    """Values over the whole range of each input's type; floats in [-1, 1)."""
    rng = np.random.default_rng(seed)
    inputs = []
    for tensor in (graph.tensors[i] for i in graph.inputs):
        if tensor.dtype == "float32":
            inputs.append((rng.random(tensor.shape) * 2 - 1).astype(np.float32))
        else:
            raw = rng.integers(0, 256, (tensor.size_bytes,), np.uint8)
            inputs.append(raw.view(tensor.dtype).reshape(tensor.shape))
    return inputs


def _subgraph(model: Any, graph: Graph) -> Any:
    sub = schema.SubGraphT()
    sub.tensors = [_tensor(model, tensor) for tensor in graph.tensors]
    lasts = {state.last for state in graph.states}
    remembered = {op.inputs[-1] for op in graph.ops if _has_memory(op)}
    for state in graph.states:
        sub.tensors[state.first].isVariable = state.first not in remembered
    sub.operators = [_operator(model, sub.tensors, _without(op, lasts)) for op in graph.ops]
    sub.inputs, sub.outputs = list(graph.inputs), list(graph.outputs)
    return sub


def _has_memory(op: Op) -> bool:
    return op.kind in OPERATORS and OPERATORS[op.kind].memory is not None


def _without(op: Op, tensors: set[int]) -> Op:
    """Leave out what a file has no place for: a memory, and the next values of states."""
    inputs = op.inputs[:-1] if _has_memory(op) else op.inputs
    return replace(op, inputs=inputs, outputs=tuple(i for i in op.outputs if i not in tensors))


def _tensor(model: Any, tensor: Tensor) -> Any:
    t = schema.TensorT()
    t.name = tensor.name.encode()
    t.shape = list(tensor.shape)
    t.type = getattr(schema.TensorType, tensor.dtype.upper())
    t.buffer = 0
    if tensor.data is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(tensor.data.tobytes(), np.uint8)
        t.buffer = len(model.buffers)
        model.buffers.append(buffer)
    if tensor.quant:
        t.quantization = schema.QuantizationParametersT()
        t.quantization.scale = list(tensor.quant.scale)
        t.quantization.zeroPoint = list(tensor.quant.zero_point)
        t.quantization.quantizedDimension = tensor.quant.axis or 0
    return t


def _operator(model: Any, sub_tensors: list[Any], op: Op) -> Any:
    code = schema.OperatorCodeT()
    kind, _, custom = op.kind.partition(" ")
    code.builtinCode = getattr(schema.BuiltinOperator, kind)
    code.customCode = custom or None
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = OPERATORS[op.kind].version if op.kind in OPERATORS else 2
    o = schema.OperatorT()
    o.opcodeIndex = len(model.operatorCodes)
    model.operatorCodes.append(code)
    o.inputs, o.outputs = list(op.inputs), list(op.outputs)
    operator = OPERATORS.get(op.kind)
    attrs = dict(op.attrs)
    for field, called in zip(operator.subgraphs if operator else (), op.subgraphs, strict=True):
        attrs[field] = len(model.subgraphs)
        model.subgraphs.append(None)
        model.subgraphs[attrs[field]] = _subgraph(model, called)
    if operator is not None and operator.order:
        given = [*op.inputs, *[-1] * (len(operator.order) - len(op.inputs))]
        o.inputs = [given[operator.order.index(i)] for i in range(len(operator.order))]
    if operator is not None and operator.hidden is not None:
        scale, zero_point = float_attr(op, "hidden_scale"), int_attr(op, "hidden_zero_point")
        attrs = {key: v for key, v in attrs.items() if not key.startswith("hidden_")}
        if scale:
            quant = Quant((scale,), (zero_point,))
            o.intermediates = [len(sub_tensors)] * (operator.hidden + 1)
            sub_tensors.append(_tensor(model, Tensor("intermediate", (), "int8", quant)))
    described = None if operator is None else operator.options
    if isinstance(described, CustomOptions):
        o.customOptions = _custom_options(op)
    elif isinstance(described, StructOptions):
        raw = struct.pack(f"<{len(attrs)}i", *(int_attr(op, key) for key in described.fields))
        o.customOptions = list(raw)
    elif described is not None:
        options = _options(described, attrs)
        if described.is_second:
            o.builtinOptions2Type = getattr(schema.BuiltinOptions2, described.table)
            o.builtinOptions2 = options
        else:
            o.builtinOptionsType = getattr(schema.BuiltinOptions, described.table)
            o.builtinOptions = options
    return o


def _custom_options(op: Op) -> list[int]:
    builder = flexbuffers.Builder()
    with builder.Map():
        for key, value in op.attrs.items():
            builder.Key(key)
            kind = {bool: builder.Bool, int: builder.Int, float: builder.Float}[type(value)]
            kind(value)
    return list(builder.Finish())


def _options(described: Options, attrs: Mapping[str, AttrValue]) -> Any:
    options, enums = getattr(schema, f"{described.table}T")(), {**_ENUMS, **described.enums}
    for key, value in attrs.items():
        first, *rest = key.split("_")
        field = first + "".join(part.capitalize() for part in rest)
        assert hasattr(options, field), field
        number = getattr(getattr(schema, enums[key]), str(value)) if key in enums else value
        setattr(options, field, number)
    return options
