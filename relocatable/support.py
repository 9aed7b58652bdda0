"""The check of a graph against the rules of its operators (docs/OPS.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from relocatable.errors import UnsupportedError, Violation
from relocatable.graph.graph import PORT_DTYPES, Graph, GraphError, Op
from relocatable.limits import tensor_violations
from relocatable.ops import find_operator
from relocatable.ops.node import Node
from relocatable.ops.rules import all_rules, rule_text
from relocatable.ops.variable import CALL_ONCE, VAR_HANDLE
from relocatable.passes.fold_constants import fold_constants
from relocatable.refusal import UNKNOWN_OPERATOR


def check_support(graph: Graph) -> None:
    """Check a graph, as it was read, against all rules.

    Raises:
        UnsupportedError: the first broken rule of each operator, and what is wrong with the
            graph's own inputs and outputs.
        GraphError: constants that should be folded are at odds with each other.
    """
    # What is folded away needs no kernel: the rules are about what is left.
    folded = fold_constants(graph)
    violations = [*_endpoint_violations(folded), *_operator_violations(folded.ops, folded)]
    if violations:
        # Of a graph that keeps the rules, the passes may still make less.
        raise UnsupportedError([*violations, *tensor_violations(folded)])


def known_violations(graph: Graph, unknown: Collection[int]) -> Iterator[Violation]:
    """Find what is wrong with the operators that have to do with no unknown tensor.

    Args:
        graph: as far as it could be read.
        unknown: tensors that could not.
    """
    with suppress(GraphError):
        graph = fold_constants(graph)
    reached, judged = set(unknown), []
    for op in graph.ops:
        if op.kind in (VAR_HANDLE, CALL_ONCE):
            continue  # become states, and no operators
        operator = find_operator(graph.own_operators, op.kind)
        if operator is None or reached.isdisjoint((*op.inputs, *op.outputs)):
            judged.append(op)
        elif operator.folds != "never":
            reached.update(op.outputs)  # it could have been a constant
    yield from _operator_violations(judged, graph)


def _operator_violations(ops: Iterable[Op], graph: Graph) -> Iterator[Violation]:
    for op in ops:
        violation = _first_broken(graph, op)
        if violation is not None:
            yield violation
        for called in op.subgraphs:
            yield from _operator_violations(called.ops, called)


def _first_broken(graph: Graph, op: Op) -> Violation | None:
    operator = find_operator(graph.own_operators, op.kind)
    if operator is None:
        return Violation(UNKNOWN_OPERATOR, op.kind, op.kind, op.name)
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
            if tensor.dtype not in PORT_DTYPES:
                rule = f"graph {what} must be one of {', '.join(PORT_DTYPES)}"
                yield Violation(rule, tensor.dtype, "", tensor.name)
            if what == "input" and tensor.data is not None:
                yield Violation("graph input must be free", "a constant", "", tensor.name)
            if tensor.count == 0:
                rule = f"graph {what} must have values"
                yield Violation(rule, str(list(tensor.shape)), "", tensor.name)
