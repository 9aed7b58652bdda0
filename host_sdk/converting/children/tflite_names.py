"""A converter's .tflite: looked through, with the names of the model."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from .replies import RefusedModelError


def name_tensors(tflite: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Give a .tflite the model's order and names of inputs and outputs.

    Its signature names them as litert-torch does: args_0, output_0, and so on.
    """
    schema: Any = import_module("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    graph.inputs = _in_order(signature.inputs, "args_", len(inputs), graph.inputs)
    graph.outputs = _in_order(signature.outputs, "output_", len(outputs), graph.outputs)
    give_names(graph, inputs, outputs)
    flatbuffers: Any = import_module("flatbuffers")
    builder = flatbuffers.Builder(len(tflite))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def give_names(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Name a graph's inputs and outputs, in their order, where the name is free."""
    taken = {bytes(tensor.name or b"") for tensor in graph.tensors}
    for indexes, names in ((graph.inputs, inputs), (graph.outputs, outputs)):
        for index, name in zip(indexes, names, strict=False):
            if (new := name.encode()) not in taken:
                graph.tensors[index].name = new
                taken.add(new)


def _in_order(maps: Sequence[Any], start: str, count: int, old: Sequence[int]) -> list[int]:
    """Sort a signature's tensors by their numbers, unless it has other names."""
    by_name = {bytes(one.name).decode(): int(one.tensorIndex) for one in maps}
    wanted = [f"{start}{i}" for i in range(count)]
    return [by_name[name] for name in wanted] if set(wanted) == set(by_name) else list(old)


def refuse_unfinished(tflite: bytes, tool: str, prefix: str = "") -> None:
    """Refuse a .tflite with operators of its converter's own, or without an output.

    Args:
        tflite: what it made.
        tool: its name.
        prefix: that it puts before their names.

    Raises:
        RefusedModelError: it is; what is missing is named.
    """
    schema: Any = import_module("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    names = [
        bytes(c.customCode).decode(errors="replace") for c in model.operatorCodes if c.customCode
    ]
    if names:
        shown = ", ".join(sorted(name.removeprefix(prefix) for name in names))
        raise RefusedModelError(f"{tool} has no operators of a .tflite for: {shown}")
    graph = model.subgraphs[0]
    written = {int(i) for operator in graph.operators for i in operator.outputs}
    for index in graph.outputs:
        tensor = graph.tensors[index]
        if index not in written | set(graph.inputs) and model.buffers[tensor.buffer].data is None:
            name = bytes(tensor.name).decode(errors="replace")
            raise RefusedModelError(
                f"{tool} lost the output '{name}', which it joined with what comes behind it: "
                "export the model without it, or without what it is used for"
            )
