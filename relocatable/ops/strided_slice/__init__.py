"""STRIDED_SLICE of constants."""

from __future__ import annotations

import numpy as np

from relocatable.graph.edit import int_attr
from relocatable.graph.graph import GraphError, Op
from relocatable.ops._shared.shapes import constant_result
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Array, Operand, Operator, Options


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Cut a part out of constants.

    Raises:
        GraphError: it asks for masks that are not known, or its operands do not fit.
    """
    values, begin, end, step = inputs
    name, attrs = node.op.name, node.op.attrs
    if attrs["ellipsis_mask"] or attrs["new_axis_mask"] or attrs["offset"]:
        raise GraphError(f"STRIDED_SLICE '{name}': only begin, end and shrink masks are known")
    if not begin.size == end.size == step.size <= values.ndim or not np.all(step):
        raise GraphError(f"STRIDED_SLICE '{name}': begin, end and steps do not fit the input")
    return values[tuple(_slice(node.op, axis, begin, end, step) for axis in range(begin.size))]


def _slice(op: Op, axis: int, begin: Array, end: Array, step: Array) -> slice:
    first, last, by = int(begin.flat[axis]), int(end.flat[axis]), int(step.flat[axis])
    if int_attr(op, "shrink_axis_mask") >> axis & 1:
        return slice(first, first + 1 or None, 1)
    return slice(
        None if int_attr(op, "begin_mask") >> axis & 1 else first,
        None if int_attr(op, "end_mask") >> axis & 1 else last,
        by,
    )


OPERATORS = (
    Operator(
        kind="STRIDED_SLICE",
        options=Options(
            "StridedSliceOptions",
            (
                *("begin_mask", "end_mask", "ellipsis_mask"),
                *("new_axis_mask", "shrink_axis_mask", "offset"),
            ),
        ),
        operands=(
            Operand("input", ANY),
            Operand("begin", INTEGERS),
            Operand("end", INTEGERS),
            Operand("strides", INTEGERS),
        ),
        output=ANY,
        rules=(constant_result,),
        shape=None,
        evaluate=evaluate,
        folds="constants",
    ),
)
