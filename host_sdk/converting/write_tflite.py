"""Write a .tflite of float32 tensors, operator by operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from host_sdk.errors import ToolMissingError

__all__ = ["TfliteWriter"]


class TfliteWriter:
    """Builds one graph: tensors, then operators that take and give them.

    Raises:
        ToolMissingError: the schema of .tflite, a part of `xipnet[compile]`, is not installed.
    """

    def __init__(self) -> None:
        try:
            from ai_edge_litert import schema_py_generated
        except ImportError as error:
            raise ToolMissingError(
                "ai-edge-litert, which has the schema of .tflite,", "pip install 'xipnet[compile]'"
            ) from error
        self._schema: Any = schema_py_generated
        self._model = self._schema.ModelT()
        self._model.version = 3
        self._model.buffers = [self._schema.BufferT()]
        self._model.operatorCodes = []
        self._graph = self._schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._model.subgraphs = [self._graph]

    def tensor(self, name: str, shape: Sequence[int]) -> int:
        """Add a float32 tensor that an operator or the caller gives; its index."""
        return self._tensor(name, shape, self._schema.TensorType.FLOAT32, 0)

    def constant(self, name: str, values: np.ndarray) -> int:
        """Add a constant, float32 or int32; its index."""
        kinds = {"float32": "FLOAT32", "int32": "INT32"}
        kind = getattr(self._schema.TensorType, kinds[values.dtype.name])
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        return self._tensor(name, values.shape, kind, len(self._model.buffers) - 1)

    def operator(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str | None = None,
        **values: Any,
    ) -> None:
        """Add an operator.

        Args:
            kind: as the schema's `BuiltinOperator` names it: "CONV_2D".
            inputs: indices of tensors.
            outputs: likewise.
            options: the schema's table of its options, without its T: "Conv2DOptions".
            values: fields of that table.
        """
        operator = self._schema.OperatorT()
        operator.opcodeIndex = self._code(getattr(self._schema.BuiltinOperator, kind))
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options is not None:
            table = getattr(self._schema, options + "T")()
            for field, value in values.items():
                setattr(table, field, value)
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, options)
            operator.builtinOptions = table
        self._graph.operators.append(operator)

    def enum(self, name: str, value: str) -> int:
        """Return the number of an enum's value: ("Padding", "SAME")."""
        number: int = getattr(getattr(self._schema, name), value)
        return number

    def finish(
        self, inputs: Mapping[str, int], outputs: Mapping[str, int], description: str
    ) -> bytes:
        """Return the file.

        Args:
            inputs: by the names that users see, the tensors that a caller fills.
            outputs: likewise, what he reads.
            description: what it was made from.
        """
        import flatbuffers

        for name, at in (*inputs.items(), *outputs.items()):
            self._graph.tensors[at].name = name.encode()
        self._graph.inputs, self._graph.outputs = list(inputs.values()), list(outputs.values())
        self._model.description = description.encode()
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _tensor(self, name: str, shape: Sequence[int], kind: int, buffer: int) -> int:
        tensor = self._schema.TensorT()
        tensor.name, tensor.shape = name.encode(), [int(n) for n in shape]
        tensor.type, tensor.buffer = kind, buffer
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _code(self, builtin: int) -> int:
        for at, code in enumerate(self._model.operatorCodes):
            if code.builtinCode == builtin:
                return at
        code = self._schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)
        code.version = 1
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1
