"""Small edits and questions that several passes share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relocatable.graph.graph import Graph, GraphError, Op, Tensor


def int_attr(op: Op, key: str) -> int:
    """An integer attribute of the operator.

    Raises:
        GraphError: it is missing or not an integer.
    """
    value = op.attrs.get(key)
    if not isinstance(value, int):
        raise GraphError(f"{op.kind} '{op.name}': {key} must be an integer; is {value!r}")
    return value


def float_attr(op: Op, key: str) -> float:
    """A numeric attribute of the operator.

    Raises:
        GraphError: it is missing or not a number.
    """
    value = op.attrs.get(key)
    if not isinstance(value, (int, float)):
        raise GraphError(f"{op.kind} '{op.name}': {key} must be a number; is {value!r}")
    return float(value)


def readers(graph: Graph, tensor: int) -> list[int]:
    """Positions of the operators that read the tensor."""
    return [at for at, op in enumerate(graph.ops) if tensor in op.inputs]


def writers(graph: Graph) -> dict[int, int]:
    """Position of the operator that writes each computed tensor."""
    return {index: at for at, op in enumerate(graph.ops) for index in op.outputs}


def only_reader(graph: Graph, tensor: int) -> int | None:
    """Position of the one operator that reads the tensor; None where the graph's caller or more
    than one operator do."""
    found = readers(graph, tensor)
    return found[0] if len(found) == 1 and tensor not in graph.outputs else None


def read_instead(op: Op, sources: Mapping[int, int]) -> Op:
    """The operator with some of its inputs read from other tensors."""
    if not any(i in sources for i in op.inputs):
        return op
    return replace(op, inputs=tuple(sources.get(i, i) for i in op.inputs))


def with_tensors(graph: Graph, changed: Mapping[int, Tensor]) -> Graph:
    """The graph with some of its tensors replaced."""
    tensors = tuple(changed.get(i, t) for i, t in enumerate(graph.tensors))
    return replace(graph, tensors=tensors)
