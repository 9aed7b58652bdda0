"""Write a small float32 network as a .tflite, without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """A convolution without padding, or a dense layer.

    Attributes:
        weights: [outputs, height, width, inputs], or [outputs, inputs] of a dense layer.
        bias: [outputs].
        stride: of a convolution.
        relu: negative values become 0.
    """

    weights: Floats
    bias: Floats
    stride: int = 1
    relu: bool = False

    def shape(self, given: tuple[int, ...]) -> tuple[int, ...]:
        """Compute the shape of its output."""
        if self.weights.ndim == 2:
            return 1, len(self.weights)
        sides = (given[i] - self.weights.shape[i] for i in (1, 2))
        return 1, *(side // self.stride + 1 for side in sides), len(self.weights)


def write_tflite(shape: tuple[int, ...], layers: list[Layer]) -> bytes:
    """Write layers that follow one another.

    Args:
        shape: of the input.
        layers: the first gets the input.
    """
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version = 3
    model.buffers, model.operatorCodes = [schema.BufferT()], []
    graph.tensors, graph.operators, graph.inputs = [], [], [0]
    model.subgraphs = [graph]
    for kind in ("CONV_2D", "FULLY_CONNECTED"):
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
        code.version = 1
        model.operatorCodes.append(code)
    last = add_tensor(model, "input", shape)
    for i, layer in enumerate(layers):
        shape = layer.shape(shape)
        weights = add_tensor(model, f"weights{i}", layer.weights.shape, layer.weights)
        bias = add_tensor(model, f"bias{i}", layer.bias.shape, layer.bias)
        made = add_tensor(model, f"layer{i}", shape)
        graph.operators.append(_operator(layer, [last, weights, bias], made))
        last = made
    graph.outputs = [last]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def add_tensor(
    model: Any, name: str, shape: tuple[int, ...], data: npt.NDArray[np.generic] | None = None
) -> int:
    """Add a tensor: float32, or a constant of float32 or int32; return its index."""
    tensor = schema.TensorT()
    is_whole = data is not None and data.dtype == np.int32
    tensor.type = schema.TensorType.INT32 if is_whole else schema.TensorType.FLOAT32
    tensor.name, tensor.shape, tensor.buffer = name.encode(), list(shape), 0
    if data is not None:
        buffer = schema.BufferT()
        kept = data if is_whole else data.astype(np.float32)
        buffer.data = np.frombuffer(kept.tobytes(), np.uint8)
        tensor.buffer = len(model.buffers)
        model.buffers.append(buffer)
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def _operator(layer: Layer, inputs: list[int], output: int) -> Any:
    is_dense = layer.weights.ndim == 2
    kind = "FullyConnectedOptions" if is_dense else "Conv2DOptions"
    options = getattr(schema, f"{kind}T")()
    activation = schema.ActivationFunctionType
    options.fusedActivationFunction = activation.RELU if layer.relu else activation.NONE
    if not is_dense:
        options.padding = schema.Padding.VALID
        options.strideH = options.strideW = layer.stride
        options.dilationHFactor = options.dilationWFactor = 1
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = int(is_dense), inputs, [output]
    operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
    operator.builtinOptions = options
    return operator
