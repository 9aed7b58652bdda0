"""SHAPE."""

from __future__ import annotations

import numpy as np

from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Array, Operand, Operator


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """List the dimensions of the input."""
    return np.array(node.inputs[0].shape, dtype=node.output.dtype)


OPERATORS = (
    Operator(
        kind="SHAPE",
        operands=(Operand("input", ANY, may_be_empty=True),),
        output=ANY,
        shape=None,
        evaluate=evaluate,
        folds="shapes",
    ),
)
