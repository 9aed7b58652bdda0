"""A .tflite of floats as data, and a copy of it to change."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from host_sdk.errors import ModelFileError
from host_sdk.inference.tensor import Array
from host_sdk.validation.litert import NOT_INSTALLED, Reference
from relocatable.errors import RelocatableError
from relocatable.read_tflite import read_tflite

__all__ = [
    "SIGNATURE",
    "Edit",
    "FloatModel",
    "Operator",
    "check_model",
    "damage_told",
    "open_model",
    "pack_model",
]

# What the schema's Python raises where tables are damaged.
_DAMAGE = (struct.error, AttributeError, IndexError, OverflowError, TypeError, ValueError)

SIGNATURE = "serving_default"  # what converters call the one they write


@dataclass(frozen=True)
class Operator:
    """An operator of the graph.

    Attributes:
        kind: as the schema names it: "CONV_2D".
        place: where it is, for messages.
        inputs: indices of tensors; -1: none is given.
        outputs: likewise.
    """

    kind: str
    place: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class FloatModel:
    """A model whose values are float32.

    Attributes:
        tflite: the file.
        operators: in the order in which they compute.
        inputs: indices of the tensors that a caller fills.
        floats: indices of all tensors of float32 that something takes or gives.

    Raises:
        ModelFileError: it is damaged, has several graphs, or none of its inputs is float32.
        ImportError: LiteRT is not installed.
    """

    def __init__(self, tflite: bytes) -> None:
        check_model(tflite)
        self.tflite = tflite
        self._schema, self._model = open_model(tflite)
        if len(self._model.subgraphs) != 1:
            raise ModelFileError(f"a model of {len(self._model.subgraphs)} graphs; must have 1")
        self._graph = self._model.subgraphs[0]
        names = {v: k for k, v in vars(self._schema.BuiltinOperator).items() if k.isupper()}
        codes = [names.get(c.builtinCode, str(c.builtinCode)) for c in self._model.operatorCodes]
        self.inputs = tuple(int(i) for i in self._graph.inputs)
        self.operators = tuple(
            Operator(
                codes[op.opcodeIndex],
                f"operator {number}",
                tuple(int(i) for i in op.inputs),
                tuple(int(i) for i in op.outputs),
            )
            for number, op in enumerate(self._graph.operators)
        )
        used = {i for op in self.operators for i in (*op.inputs, *op.outputs)} | set(self.inputs)
        self.floats = tuple(i for i in sorted(used) if self.is_float(i))
        if not all(self.is_float(i) for i in self.inputs):
            raise ModelFileError("a model to quantise must have inputs of float32")

    def is_float(self, index: int) -> bool:
        """Return whether a tensor is float32; -1 is none."""
        kind = self._schema.TensorType.FLOAT32
        return index >= 0 and bool(self._graph.tensors[index].type == kind)

    def name(self, index: int) -> str:
        """Return a tensor's name."""
        return bytes(self._graph.tensors[index].name or b"").decode(errors="replace")

    def shape(self, index: int) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return tuple(int(n) for n in self._graph.tensors[index].shape)

    def data(self, index: int) -> Array | None:
        """Return a constant of float32; None: the tensor is computed."""
        tensor = self._graph.tensors[index]
        raw = self._model.buffers[tensor.buffer].data
        if raw is None or len(raw) == 0:
            return None
        shape = [] if tensor.shape is None else [int(n) for n in tensor.shape]
        return np.asarray(raw, np.uint8).view(np.float32).reshape(shape)

    def values(self, x: Array) -> Iterator[Mapping[int, Array]]:
        """Give, for each sample, its inputs and all that operators compute.

        Args:
            x: float32 [N, ...], without the batch; the model has one input.
        """
        computed = [i for op in self.operators for i in op.outputs]
        with Reference(self.tflite, keep_all=True) as reference:
            for sample in x:
                found = [one.values for one in reference.tensors([sample[np.newaxis]])]
                if len(found) != len(computed):
                    raise ModelFileError("LiteRT has no values of some tensors of the model")
                yield {self.inputs[0]: sample, **dict(zip(computed, found, strict=True))}

    def signed(self) -> bytes:
        """Return the file with one signature, in which an input is called as its tensor."""
        schema, model = open_model(self.tflite)
        graph = model.subgraphs[0]
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
        for field in ("inputs", "outputs"):
            places = []
            for index in getattr(graph, field):
                place = schema.TensorMapT()
                place.name, place.tensorIndex = self.name(int(index)), int(index)
                places.append(place)
            setattr(signature, field, places)
        model.signatureDefs = [signature]
        return pack_model(model)

    def edit(self) -> Edit:
        """Return a copy to change."""
        return Edit(*open_model(self.tflite))


class Edit:
    """A copy of a model of one graph."""

    def __init__(self, schema: Any, model: Any) -> None:
        self._schema, self._model = schema, model

    def quantize(
        self, index: int, dtype: str, scale: float, zero_point: int, q: Array | None
    ) -> None:
        """Give a tensor a type and a scale.

        Args:
            index: of the tensor.
            dtype: as the schema names it: "INT8".
            scale: value = (q - zero_point) scale.
            zero_point: of that type.
            q: the values of a constant; None: it is computed.
        """
        tensor = self._model.subgraphs[0].tensors[index]
        tensor.type = getattr(self._schema.TensorType, dtype)
        tensor.quantization = self._schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]
        if q is not None:
            buffer = self._schema.BufferT()
            buffer.data = np.frombuffer(q.astype(np.dtype(dtype.lower())).tobytes(), np.uint8)
            self._model.buffers.append(buffer)
            tensor.buffer = len(self._model.buffers) - 1

    def set_versions(self, versions: Mapping[str, int]) -> None:
        """Set the version of operators of each kind."""
        names = {getattr(self._schema.BuiltinOperator, kind): v for kind, v in versions.items()}
        for code in self._model.operatorCodes:
            code.version = names.get(code.builtinCode, code.version)

    def finish(self) -> bytes:
        """Return the file, without constants that nothing takes."""
        taken = {tensor.buffer for tensor in self._model.subgraphs[0].tensors}
        for at, buffer in enumerate(self._model.buffers):
            if at not in taken:
                buffer.data = None
        return pack_model(self._model)


def check_model(tflite: bytes) -> None:
    """Refuse a damaged file, bounded: the schema's reader trusts every number.

    Raises:
        ModelFileError: a rule of the format is broken.
    """
    try:
        read_tflite(tflite, "model")
    except RelocatableError as error:
        raise ModelFileError(str(error)) from error


@contextmanager
def damage_told() -> Iterator[None]:
    """Say in words what tables hold that `check_model` does not look at.

    Raises:
        ModelFileError: they do not fit the file, or each other.
    """
    try:
        yield
    except _DAMAGE as error:
        raise ModelFileError(f"a model's tables must fit the file; {error}") from error


def open_model(tflite: bytes) -> tuple[Any, Any]:
    """Return the schema, and a model's tables to read and change.

    Raises:
        ModelFileError: tables are damaged.
    """
    try:
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise ImportError(NOT_INSTALLED) from error
    with damage_told():
        return schema, schema.ModelT.InitFromObj(schema.Model.GetRootAs(tflite))


def pack_model(model: Any) -> bytes:
    """Return a file of a model's tables.

    Raises:
        ModelFileError: they hold numbers that a file cannot.
    """
    import flatbuffers

    builder = flatbuffers.Builder(1 << 16)
    with damage_told():
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
