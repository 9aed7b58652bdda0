"""Compute at compile time what depends on shapes and constants alone.

This takes away the SHAPE, STRIDED_SLICE, PACK chains that a dynamic batch leaves in front of a
RESHAPE, and constants that are stored in another type than they are used in.
"""

from __future__ import annotations

from dataclasses import replace

from relocatable.graph.edit import with_tensors
from relocatable.graph.graph import Graph, GraphError, Op, Tensor
from relocatable.limits import most_folded_bytes
from relocatable.ops import OPERATORS
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Operator


def fold_constants(graph: Graph) -> Graph:
    """Turn outputs that can be known now into constants, and drop their operators."""
    known: dict[int, Tensor] = {}
    # A small file may ask for the same constant many times over, or pack it thousands of times.
    folded_bytes, most = 0, most_folded_bytes(graph)
    ops = []
    for op in graph.ops:
        operator, node = OPERATORS.get(op.kind), Node.of(graph, op, known)
        if operator is None or not is_foldable(operator, node):
            ops.append(op)
            continue
        folded_bytes += sum(output.size_bytes for output in node.outputs)
        if folded_bytes > most:
            raise GraphError(
                f"{op.kind} '{op.name}': constants computed here and before must have at most "
                f"{most} bytes; have {folded_bytes}"
            )
        known |= zip(op.outputs, evaluate(operator, node), strict=True)
    return with_tensors(replace(graph, ops=tuple(ops)), known)


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
