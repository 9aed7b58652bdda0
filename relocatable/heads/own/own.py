"""Configuration and C call of a head whose C function is the user's."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from relocatable.blob.record import Record, RecordField
from relocatable.errors import HeadError
from relocatable.graph.graph import Graph, Tensor
from relocatable.heads.fields import Fields
from relocatable.heads.head import Head, ImageConfig
from relocatable.heads.own.layout import (
    Parameter,
    c_fields,
    c_parameters,
    read_parameters,
    read_record,
)
from relocatable.steps.c_call import CCall, CValue, Input, Name, Output, Scratch, Struct
from relocatable.steps.kernel_call import KernelCall

_TYPES = {
    "int8": "XN_HEAD_I8",
    "uint8": "XN_HEAD_U8",
    "float32": "XN_HEAD_F32",
    "int16": "XN_HEAD_I16",
    "int32": "XN_HEAD_I32",
    "int64": "XN_HEAD_I64",
    "bool": "XN_HEAD_BOOL",
}
_MOST_DIMS = 8
_MOST_BYTES = 1 << 24


@dataclass(frozen=True)
class OwnHead(Head):
    """A C function of the user's, named as its file; docs/HEADS.md has its ABI.

    Attributes:
        file: with the function.
        layout: of an item.
        most: items at most.
        scratch_bytes: that the function gets.
        parameters: that it gets.
    """

    kind: ClassVar[str] = "own"
    record: ClassVar[Record] = Record(4, (RecordField("score", "float32", 0),))  # of none

    file: Path
    layout: Record
    most: int
    scratch_bytes: int
    parameters: dict[str, Parameter]

    def item_record(self) -> Record:
        """Return the description's layout."""
        return self.layout

    @classmethod
    def read(cls, table: Fields, labels: tuple[str, ...], image: ImageConfig | None) -> OwnHead:
        """Read the table [own]."""
        head = cls(
            labels=labels,
            image=image,
            file=table.file("file"),
            layout=read_record(table.table("fields")),
            most=table.integer("most_items", 1, 100_000),
            scratch_bytes=table.integer("scratch_bytes", 0, _MOST_BYTES, 0),
            parameters=read_parameters(table.table("parameters"))
            if table.has("parameters")
            else {},
        )
        table.end()
        name = head.file.stem
        if head.file.suffix != ".c" or not (name.isidentifier() and name.isascii()):
            raise table.error("file", "NAME.c with a C name", head.file.name)
        if not re.search(rf"\b{name}\s*\(", head.file.read_text("utf-8", "replace")):
            raise table.error("file", f"with a function {name}", str(head.file))
        if '"' in str(head.file) or not str(head.file).isprintable():
            raise table.error("file", "in a folder whose name C can include", str(head.file))
        if head.layout.result_bytes(head.most) > _MOST_BYTES:
            raise table.error("most_items", f"of at most {_MOST_BYTES} bytes in all", head.most)
        return head

    def metadata(self) -> dict[str, Any]:
        """List the entries of the metadata: the file's name, no path."""
        given = self.parameters.items()
        plain = {key: list(v) if isinstance(v, tuple) else v for key, v in given}
        head = {"kind": self.kind, "name": self.file.stem, "parameters": plain}
        return {**super().metadata(), "head": head}

    def most_items(self, graph: Graph) -> int:
        """Return as many as the description allows."""
        return self.most

    def call(self, graph: Graph, result: int) -> KernelCall:
        """Write the call of xn_own_run."""
        outputs = [graph.tensors[i] for i in graph.outputs]
        head: dict[str, CValue] = {
            "outputs": len(outputs),
            "output": [_output(tensor, i) for i, tensor in enumerate(outputs)],
            "parameters": Struct("xn_head_parameters", "parameters", self._c_parameters()),
            "scratch": Scratch("void") if self.scratch_bytes else 0,
            "scratch_bytes": self.scratch_bytes,
        }
        arguments = (
            Struct("xn_head", "head", head),
            Output("xn_head_result"),
        )
        call = self.kernel_call(
            CCall("xn_own_run", arguments),
            graph.outputs,
            result,
            scratch_bytes=self.scratch_bytes,
        )
        return replace(call, name=self.file.stem, macros=self._macros(len(outputs)))

    def _c_parameters(self) -> dict[str, CValue]:
        return {
            name: tuple(map(_number, value)) if isinstance(value, tuple) else _number(value)
            for name, value in self.parameters.items()
        } or {"xn_none": 0}

    def _macros(self, outputs: int) -> dict[str, str]:
        return {
            "XN_HEAD_FILE": f'"{self.file.as_posix()}"',
            "XN_HEAD_FUNCTION": self.file.stem,
            "XN_HEAD_FIELDS": c_fields(self.layout),
            "XN_HEAD_PARAMETERS": c_parameters(self.parameters),
            "XN_HEAD_OUTPUTS": str(outputs),
            "XN_HEAD_MOST": f"{self.most}u",
            "XN_HEAD_ITEM_BYTES": str(self.layout.item_bytes),
            "XN_HEAD_RESULT_BYTES": f"{self.layout.result_bytes(self.most)}u",
        }


def _output(tensor: Tensor, index: int) -> dict[str, CValue]:
    """Fill in the fields of xn_head_output."""
    if tensor.dtype not in _TYPES:
        raise HeadError(f"output '{tensor.name}' must be {', '.join(_TYPES)}; is {tensor.dtype}")
    if len(tensor.shape) > _MOST_DIMS:
        raise HeadError(
            f"output '{tensor.name}' must have at most {_MOST_DIMS} dimensions; "
            f"is {list(tensor.shape)}"
        )
    quant = tensor.quant
    values: dict[str, CValue] = {
        "data": Input(index),
        "type": Name(_TYPES[tensor.dtype]),
        "scale": np.float32(quant.scale[0] if quant else 1.0),
        "zero_point": quant.zero_point[0] if quant else 0,
    }
    shape = tensor.shape or (1,)
    return {"values": values, "count": tensor.count, "dims": len(tensor.shape), "shape": shape}


def _number(value: float) -> CValue:
    return value if isinstance(value, int) else np.float32(value)
