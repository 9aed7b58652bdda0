"""The operators: a folder for each, with its rules, meaning, kernels and samples."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from relocatable.graph.graph import Graph, Op
from relocatable.ops.node import Node
from relocatable.ops.operator import Operator


def _find_operators() -> dict[str, Operator]:
    folders = [m.name for m in pkgutil.iter_modules(__path__) if m.ispkg and m.name[0] != "_"]
    modules = [importlib.import_module(f"{__name__}.{folder}") for folder in folders]
    found = [operator for module in modules for operator in module.OPERATORS]
    return {operator.kind: operator for operator in sorted(found, key=lambda o: o.kind)}


OPERATORS: dict[str, Operator] = _find_operators()


def find_operator(own: Mapping[str, object], kind: str) -> Operator | None:
    """Find the description of an operator; None if there is none.

    Args:
        own: `Graph.own_operators` of the graph that it is in.
        kind: of the operator.
    """
    found = own.get(kind)
    return found if isinstance(found, Operator) else OPERATORS.get(kind)


def is_view(graph: Graph, op: Op) -> bool:
    """Tell whether an operator keeps all bytes: its output shares its input's memory."""
    operator = find_operator(graph.own_operators, op.kind)
    return operator is not None and operator.is_view(Node.of(graph, op))


def result_of(graph: Graph, index: int) -> str:
    """Say what is known of a tensor's values by the operators before it.

    Returns:
        As `Operator.result`, but "" for "same".
    """
    writers = {output: op for op in graph.ops for output in op.outputs}
    while (op := writers.pop(index, None)) is not None:
        operator = find_operator(graph.own_operators, op.kind)
        result = operator.result if operator is not None else ""
        if result != "same" and not is_view(graph, op):
            return result
        index = op.inputs[0]
    return ""


def views(graph: Graph) -> dict[int, int]:
    """Map each output that shares its input's memory to that input."""
    return {op.outputs[0]: op.inputs[0] for op in graph.ops if is_view(graph, op)}
