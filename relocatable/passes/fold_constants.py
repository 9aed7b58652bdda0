"""Compute at compile time what depends on shapes and constants alone.

This takes away the SHAPE, STRIDED_SLICE, PACK chains that a dynamic batch leaves in front of a
RESHAPE, and constants that are stored in another type than they are used in.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relocatable.graph.graph import Graph, GraphError, Op, Tensor
from relocatable.limits import most_folded_bytes
from relocatable.ops import find_operator
from relocatable.ops.control_flow.known import (
    always_done,
    arguments,
    is_whole,
    with_constants,
)
from relocatable.ops.inline import inline
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Operator


def fold_constants(graph: Graph) -> Graph:
    """Turn outputs that can be known now into constants, and drop their operators."""
    return _Folding(graph, _Budget(most_folded_bytes(graph))).graph()


class _Budget:
    """The bytes that may still be computed.

    A small file may ask for the same constant many times over, or pack it thousands of times.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._used = 0

    def take(self, op: Op, size: int) -> None:
        self._used += size
        if self._used > self._most:
            raise GraphError(
                f"{op.kind} '{op.name}': constants computed here and before must have at most "
                f"{self._most} bytes; have {self._used}"
            )


class _Folding:
    """A graph while its operators are folded, in order."""

    def __init__(self, graph: Graph, budget: _Budget) -> None:
        self._graph = graph
        self._budget = budget
        self._tensors = list(graph.tensors)
        self._ops: list[Op] = []

    def graph(self) -> Graph:
        """Fold all operators."""
        for op in self._graph.ops:
            self._add(op)
        return replace(self._graph, tensors=tuple(self._tensors), ops=tuple(self._ops))

    def _add(self, op: Op) -> None:
        operator, node = find_operator(self._graph.own_operators, op.kind), self._node(op)
        if op.subgraphs and is_whole(op):
            self._add_call(op)
        elif operator is None:
            self._ops.append(op)
        elif not is_foldable(operator, node):
            has_one = len(node.outputs) == 1
            found = operator.known(node) if operator.known is not None and has_one else None
            if found is None:
                self._ops.append(op)
            else:
                self._budget.take(op, node.output.size_bytes)
                self._tensors[op.outputs[0]] = _known(op, node.output, found)
        else:
            self._budget.take(op, sum(output.size_bytes for output in node.outputs))
            for i, known in zip(op.outputs, evaluate(operator, node), strict=True):
                self._tensors[i] = known

    def _add_call(self, op: Op) -> None:
        """Fold what an operator calls; it may be what the operator always does."""
        op, same = with_constants(op, self._tensors, self._graph.kept)
        for output, source in same.items():
            shape = self._tensors[output].shape
            data = np.asarray(self._tensors[source].data).reshape(shape)
            self._tensors[output] = replace(self._tensors[output], data=data)
        folded = (_Folding(sub, self._budget).graph() for sub in op.subgraphs)
        op = replace(op, subgraphs=tuple(folded))
        done = always_done(op, self._tensors)
        if done is None:
            self._ops.append(op)
            return
        for inner in inline(self._tensors, op, done, arguments(op)):
            self._add(inner)

    def _node(self, op: Op) -> Node:
        inputs = tuple(self._tensors[i] for i in op.inputs if i != -1)
        return Node(op, inputs, tuple(self._tensors[i] for i in op.outputs))


def is_foldable(operator: Operator, node: Node) -> bool:
    """Tell whether a node's result follows from shapes and constants alone."""
    least, most = operator.operand_counts
    count, is_bounded = len(node.inputs), not operator.is_variadic
    if count < least or (is_bounded and count > most):
        return False
    if not operator.outputs[0] <= len(node.outputs) <= operator.outputs[1]:
        return False
    is_known = all(tensor.data is not None for tensor in node.inputs)
    return operator.folds == "shapes" or (operator.folds == "constants" and is_known)


def evaluate(operator: Operator, node: Node) -> list[Tensor]:
    """Compute a node's outputs from known inputs.

    Raises:
        GraphError: the inputs are at odds with each other or with the outputs.
    """
    assert operator.evaluate is not None
    op = node.op
    inputs = [tensor.data for tensor in node.inputs if tensor.data is not None]
    try:
        found = operator.evaluate(node, inputs)
    except (ValueError, IndexError) as error:
        raise GraphError(f"{op.kind} '{op.name}': constants must fit; {error}") from error
    arrays = found if isinstance(found, tuple) else (found,)
    return [_known(op, *pair) for pair in zip(node.outputs, arrays, strict=True)]


def _known(op: Op, output: Tensor, values: Array) -> Tensor:
    if values.size != output.count:
        raise GraphError(
            f"{op.kind} '{op.name}': output must have {output.count} values; has {values.size}"
        )
    return replace(output, data=values.reshape(output.shape).astype(output.dtype, copy=False))
