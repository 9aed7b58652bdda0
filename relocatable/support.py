"""The check of a graph against the rules of its operators (docs/OPS.md)."""

from __future__ import annotations

from collections.abc import Iterator

from relocatable.errors import UnsupportedError, Violation
from relocatable.graph.graph import DTYPES, Graph, Op
from relocatable.ops import OPERATORS
from relocatable.ops.node import Node
from relocatable.ops.rules import all_rules, rule_text
from relocatable.passes.fold_constants import fold_constants

_ENDPOINTS = DTYPES


def check_support(graph: Graph) -> None:
    """Check a graph, as it was read, against all rules.

    Raises:
        UnsupportedError: the first broken rule of each operator, and what is wrong with the
            graph's own inputs and outputs.
        GraphError: constants that should be folded are at odds with each other.
    """
    # What is folded away needs no kernel: the rules are about what is left.
    folded = fold_constants(graph)
    found = [_first_broken(folded, op) for op in folded.ops]
    violations = [*_endpoint_violations(folded), *(v for v in found if v is not None)]
    if violations:
        raise UnsupportedError(violations)


def _first_broken(graph: Graph, op: Op) -> Violation | None:
    operator = OPERATORS.get(op.kind)
    if operator is None:
        return Violation("operator must be one of docs/OPS.md", op.kind, op.kind, op.name)
    node = Node.of(graph, op)
    for rule in all_rules(operator):
        ok, seen = rule(node)
        if not ok:
            return Violation(rule_text(rule), seen, op.kind, op.name)
    return None


def _endpoint_violations(graph: Graph) -> Iterator[Violation]:
    """Find what is wrong with the inputs and outputs that the caller sees."""
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for tensor in (graph.tensors[i] for i in indices):
            if tensor.dtype not in _ENDPOINTS:
                rule = f"graph {what} must be int8, uint8, int16, int32 or float32"
                yield Violation(rule, tensor.dtype, "", tensor.name)
            if tensor.data is not None:
                yield Violation(f"graph {what} must be computed", "constant", "", tensor.name)
            if what == "output" and not graph.ops:
                yield Violation("graph must have operators", "none", "", tensor.name)
            if tensor.count == 0:
                rule = f"graph {what} must have values"
                yield Violation(rule, str(list(tensor.shape)), "", tensor.name)
