"""SHAPE and BROADCAST_ARGS: what is known of shapes."""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.shapes import constant_result
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Array, Operand, Operator


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """List the dimensions of the input."""
    return np.array(node.inputs[0].shape, dtype=node.output.dtype)


def broadcast_args(node: Node, inputs: list[Array]) -> Array:
    """Find the shape that two shapes stretch to."""
    a, b = (x.reshape(-1).tolist() for x in inputs)
    return np.array(np.broadcast_shapes(a, b), dtype=node.output.dtype)


OPERATORS = (
    Operator(
        kind="SHAPE",
        operands=(Operand("input", ANY, may_be_empty=True),),
        output=ANY,
        shape=None,
        evaluate=evaluate,
        folds="shapes",
    ),
    Operator(
        kind="BROADCAST_ARGS",
        operands=(Operand("first shape", INTEGERS), Operand("second shape", INTEGERS)),
        output=INTEGERS,
        shape=constant_result,
        evaluate=broadcast_args,
        folds="constants",
        version=1,
    ),
)
