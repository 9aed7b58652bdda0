"""Small edits and questions that several passes share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from relocatable.graph.graph import Graph, GraphError, Op, Tensor


def int_attr(op: Op, key: str) -> int:
    """Read an integer attribute of the operator.

    Raises:
        GraphError: it is missing or not an integer.
    """
    value = op.attrs.get(key)
    if not isinstance(value, int):
        raise GraphError(f"{op.kind} '{op.name}': {key} must be an integer; is {value!r}")
    return value


def float_attr(op: Op, key: str) -> float:
    """Read a numeric attribute of the operator.

    Raises:
        GraphError: it is missing or not a number.
    """
    value = op.attrs.get(key)
    if not isinstance(value, (int, float)):
        raise GraphError(f"{op.kind} '{op.name}': {key} must be a number; is {value!r}")
    return float(value)


def readers(graph: Graph, tensor: int) -> list[int]:
    """List the positions of the operators that read the tensor."""
    return [at for at, op in enumerate(graph.ops) if tensor in op.inputs]


def writers(graph: Graph) -> dict[int, int]:
    """Map each computed tensor to the position of the operator that writes it."""
    return {index: at for at, op in enumerate(graph.ops) for index in op.outputs}


def only_reader(graph: Graph, tensor: int) -> int | None:
    """Find the position of the tensor's only reader.

    Returns:
        None if the graph's caller, the next run or more than one operator read it.
    """
    found = readers(graph, tensor)
    return found[0] if len(found) == 1 and tensor not in graph.kept else None


def read_instead(op: Op, sources: Mapping[int, int]) -> Op:
    """Replace tensors that the operator reads by others."""
    if not any(i in sources for i in op.inputs):
        return op
    return replace(op, inputs=tuple(sources.get(i, i) for i in op.inputs))


def map_subgraphs(graph: Graph, edit: Callable[[Graph], Graph]) -> Graph:
    """Change the graphs that operators call, the innermost first."""
    if not any(op.subgraphs for op in graph.ops):
        return graph
    ops = (
        replace(op, subgraphs=tuple(edit(map_subgraphs(sub, edit)) for sub in op.subgraphs))
        for op in graph.ops
    )
    return replace(graph, ops=tuple(ops))


def with_tensors(graph: Graph, changed: Mapping[int, Tensor]) -> Graph:
    """Replace some of the graph's tensors."""
    tensors = tuple(changed.get(i, t) for i, t in enumerate(graph.tensors))
    return replace(graph, tensors=tensors)
