"""What the custom operators of TFLite Micro that work on signals share.

Their reference is TFLite Micro's interpreter. It takes an option from its place among all keys in
order; here it is found by its name, which is the same in whatever the converter writes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from relocatable.graph.graph import Quant, Tensor
from relocatable.ops.node import Node
from relocatable.ops.operator import CustomOptions, Operand, Operator, Rng, Rule, Seen

TYPE_OPTION = "T"  # which operators of several element types have
_TYPE_NUMBERS = {"float32": 0, "int32": 2, "int16": 7}  # LiteRT's
_MOST = (1 << 31) - 1


def signal_kind(name: str) -> str:
    """Name the operator as a graph does."""
    return f"CUSTOM Signal{name}"


def whole_options(*names: str, flags: Sequence[str] = ()) -> CustomOptions:
    """Describe options that are integers or flags; the rules refuse an absent integer."""
    return CustomOptions({**dict.fromkeys(names, -1), **dict.fromkeys(flags, False)})


def type_number(dtype: str) -> int:
    """Number an element type as the option T does."""
    return _TYPE_NUMBERS[dtype]


def type_option(node: Node) -> Seen:
    """T must be the number of the input's element type"""
    dtype, seen = node.inputs[0].dtype, node.integer(TYPE_OPTION)
    return seen == _TYPE_NUMBERS.get(dtype), f"{seen} for {dtype}"


def in_range(low: int, high: int, *names: str) -> Rule:
    """Make the rule that some options are within bounds."""

    def bounded_options(node: Node) -> Seen:
        seen = [node.integer(name) for name in names]
        return all(low <= value <= high for value in seen), str(seen)

    most = "below 2^31" if high == _MOST else f"at most {high}"
    bounded_options.__doc__ = f"{_join(names)} must be at least {low} and {most}"
    return bounded_options


def not_negative(*names: str) -> Rule:
    """Make the rule that some options are not below 0."""
    return in_range(0, _MOST, *names)


def output_types(*dtypes: str) -> Rule:
    """Make the rule of the outputs' element types."""

    def typed_outputs(node: Node) -> Seen:
        seen = tuple(t.dtype for t in node.outputs[: len(dtypes)])
        return seen == dtypes, ", ".join(seen)

    typed_outputs.__doc__ = f"outputs must be {_join(dtypes)}, in this order"
    return typed_outputs


def _join(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def shapes_text(node: Node) -> str:
    """List the shapes of all tensors for a message."""
    return str([list(t.shape) for t in (*node.inputs, *node.outputs)])


def memory_tensor(
    node: Node, shape: Sequence[int], dtype: str, quant: Quant | None = None
) -> Tensor:
    """Describe what an operator remembers; without values, one stands for none."""
    shape = tuple(shape) if math.prod(shape) else (1,)
    return Tensor(f"{node.op.name} memory", shape, dtype, quant)


def remembering(operator: Operator, memory: Callable[[Node], Tensor]) -> Operator:
    """Add an operator's memory: its last operand, and its last output.

    Args:
        operator: all else of it.
        memory: describes what it remembers.
    """
    kept = Operand("memory", operator.operands[0].dtypes, optional=True)
    least, _ = operator.outputs
    return replace(
        operator,
        operands=(*operator.operands, kept),
        outputs=(least, least + 1),
        updates=(len(operator.operands),),
        memory=memory,
    )


def random_outer(rng: Rng) -> list[int]:
    """Draw the dimensions before the last."""
    return [int(v) for v in rng.integers(1, 4, int(rng.integers(0, 3)))]
