"""Two 8-bit operands brought to one scale, for sums and differences."""

from __future__ import annotations

from typing import NamedTuple

from relocatable.ops._shared.fixed_point import quantize_multiplier, scale_of
from relocatable.ops.node import Node


def common_scale(node: Node) -> float:
    """Return twice the larger input's scale: what both inputs are brought to."""
    return 2 * max(float(scale_of(x)) for x in node.inputs)


class CommonScales(NamedTuple):
    """Multipliers and shifts: of both inputs to the common scale, of the result."""

    a: tuple[int, int]
    b: tuple[int, int]
    out: tuple[int, int]

    @classmethod
    def of(cls, node: Node, out: float) -> CommonScales:
        """Compute what LiteRT makes of the tensors' scales.

        Args:
            node: of two inputs.
            out: the factor to the output's scale.
        """
        a, b = (float(scale_of(x)) / common_scale(node) for x in node.inputs)
        return cls(*(quantize_multiplier(real) for real in (a, b, out)))
