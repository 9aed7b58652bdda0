"""PACK of constants."""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.shapes import check_joined, constant_result
from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Array, Operand, Operator, Options


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Stack constants along a new axis."""
    check_joined(node)
    return np.stack(inputs, axis=node.integer("axis"))


OPERATORS = (
    Operator(
        kind="PACK",
        options=Options("PackOptions", ("axis",)),
        operands=(Operand("every input", ANY),),
        is_variadic=True,
        output=ANY,
        rules=(constant_result,),
        shape=None,
        evaluate=evaluate,
        folds="constants",
    ),
)
