"""Bytes without a sign in and out of a model of int8, as cameras give them."""

from __future__ import annotations

from typing import Any

from host_sdk.errors import ModelFileError
from host_sdk.quantizing.float_model import open_model, pack_model

__all__ = ["with_uint8_io"]


def with_uint8_io(tflite: bytes) -> bytes:
    """Put a QUANTIZE before each input of int8 and behind each output.

    Raises:
        ModelFileError: an input or output is not int8.
    """
    schema, model = open_model(tflite)
    graph = model.subgraphs[0]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.QUANTIZE
    code.version = 2
    model.operatorCodes.append(code)
    moved: dict[int, int] = {}
    for inner in {int(i) for i in (*graph.inputs, *graph.outputs)}:
        moved[inner] = _outer(schema, graph, inner)

    def operator(takes: int, gives: int) -> Any:
        made = schema.OperatorT()
        made.opcodeIndex = len(model.operatorCodes) - 1
        made.inputs, made.outputs = [takes], [gives]
        return made

    before = [operator(moved[int(i)], int(i)) for i in graph.inputs]
    behind = [operator(int(i), moved[int(i)]) for i in graph.outputs]
    graph.operators = [*before, *graph.operators, *behind]
    graph.inputs = [moved[int(i)] for i in graph.inputs]
    graph.outputs = [moved[int(i)] for i in graph.outputs]
    for signature in model.signatureDefs or []:
        for place in (*signature.inputs, *signature.outputs):
            place.tensorIndex = moved[int(place.tensorIndex)]
    return pack_model(model)


def _outer(schema: Any, graph: Any, inner: int) -> int:
    """Add the tensor outside; the one within gets another name."""
    old = graph.tensors[inner]
    if old.type != schema.TensorType.INT8:
        raise ModelFileError("inputs and outputs must be int8 to become uint8")
    new = schema.TensorT()
    new.name, new.shape, new.shapeSignature = old.name, old.shape, old.shapeSignature
    new.type, new.buffer = schema.TensorType.UINT8, 0
    new.quantization = schema.QuantizationParametersT()
    new.quantization.scale = old.quantization.scale
    new.quantization.zeroPoint = [int(old.quantization.zeroPoint[0]) + 128]
    old.name = (old.name or b"") + b"/int8"
    graph.tensors.append(new)
    return len(graph.tensors) - 1
