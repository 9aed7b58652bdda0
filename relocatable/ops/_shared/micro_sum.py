"""Sums of int8 values as TFLite Micro computes them in ADD_N and CUMSUM.

Each value less the zero point is raised by 2^19, and so is what the sum begins with: not 0, but the
zero point, negative. Sums of 32 bits wrap around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relocatable.ops._shared.factors import factors_below
from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    scale_of,
    wrap32,
    zero_of,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array
from relocatable.steps.c_call import CValue

_LIFT = 19  # TFLite Micro's 20, and half of the scale

lifted_output = factors_below(
    20,
    "twice the input's scale over the output's",
    lambda node: [2 * float(scale_of(node.inputs[0])) / float(scale_of(node.output))],
)


@dataclass(frozen=True)
class MicroSum:
    """The constants of such sums."""

    zero: int
    multiplier: int
    shift: int
    out_zero: int

    @classmethod
    def of(cls, node: Node) -> MicroSum:
        """Compute what TFLite Micro makes of the scales of the first input and the output."""
        x, y = node.inputs[0], node.output
        factor = 2 * float(scale_of(x)) / ((1 << 20) * float(scale_of(y)))
        return cls(zero_of(x), *quantize_multiplier(factor), zero_of(y))

    @property
    def params(self) -> dict[str, CValue]:
        """Fields of xn_micro_sum of xn_micro_sum.h."""
        fields = ("zero", "multiplier", "shift", "out_zero")
        return {name: getattr(self, name) for name in fields}

    def outputs(self, sums: Ints) -> Array:
        """Scale sums of values less the zero point; the first one is still to be added."""
        wide = wrap32((sums - self.zero) << _LIFT)
        found = multiply_by_quantized_multiplier(wide, self.multiplier, self.shift) + self.out_zero
        return np.asarray(np.clip(found, -128, 127), np.int8)
