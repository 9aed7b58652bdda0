"""Rules of shapes that several operators share."""

from __future__ import annotations

from relocatable.graph.graph import GraphError
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Seen


def kept_shape(node: Node) -> Seen:
    """output must have the input's shape"""
    source, output = node.inputs[0].shape, node.output.shape
    return source == output, f"{list(source)} -> {list(output)}"


def same_count(node: Node) -> Seen:
    """output must have as many values as the input"""
    source, output = node.inputs[0], node.output
    return source.count == output.count, f"{list(source.shape)} -> {list(output.shape)}"


def constant_result(node: Node) -> Seen:
    """the result must follow from shapes and constants alone"""
    return False, "computed at run time"


def same_values(node: Node, values: list[Array]) -> Array:
    """Return the first input's values; the caller sets the output's shape and type."""
    return values[0]


def check_joined(node: Node) -> None:
    """Check the size of joined constants before they are made.

    Only the output's is bounded by the file.

    Raises:
        GraphError: the inputs do not add up to the output.
    """
    joined = sum(t.count for t in node.inputs)
    if joined != node.output.count:
        raise GraphError(
            f"{node.op.kind} '{node.op.name}': output must have {joined} values; "
            f"has {node.output.count}"
        )
