"""Rules of the factors between scales.

LiteRT writes a factor as a multiplier and a shift. Beyond these bounds its reference kernels abort,
or shift and convert in ways that C leaves undefined: there is nothing to be equal to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from relocatable.ops._shared.fixed_point import scale_of
from relocatable.ops.node import Node
from relocatable.ops.operator import Rule, Seen

# The real factors that a node's integers are multiplied by; may divide by zero or overflow.
Factors = Callable[[Node], Iterable["float | np.float32"]]

_TO_CLAMP = {"RELU6": 6.0, "RELU_N1_TO_1": 1.0, "RELU_0_TO_1": 1.0}


def factors_below(power: int, name: str, factors: Factors) -> Rule:
    """Make the rule that factors of values of 8 and 16 bits are below a power of two.

    Args:
        power: of two.
        name: what the factors are, for the rule's words.
        factors: computes them; their signs do not count.
    """

    def bounded_factors(node: Node) -> Seen:
        if not node.quantized:
            return True, ""
        with np.errstate(all="ignore"):
            found = [abs(float(factor)) for factor in factors(node)]
        largest = max(found, key=lambda f: (np.isnan(f), f))
        return largest < 2.0**power, f"{largest:g}"

    bounded_factors.__doc__ = f"{name} must be below 2^{power} for values of 8 and 16 bits"
    return bounded_factors


def plain_scales(node: Node) -> Seen:
    """scales of 8 and 16 bits must be in [2^-40, 2^40]"""
    scales = [s for t in node.quantized if t.quant for s in t.quant.scale]
    worst = max(scales, key=lambda scale: abs(math.log2(scale or math.inf)), default=1.0)
    return 2.0**-40 <= worst <= 2.0**40, f"{worst:g}"


def kept_ratio(node: Node) -> list[np.float32]:
    """Divide the input's scale by the output's, in single precision."""
    return [scale_of(node.inputs[0]) / scale_of(node.output)]


def clamp_steps(node: Node) -> Seen:
    """an output of 8 or 16 bits that is clamped to 6 or 1 must have a scale that takes it in fewer
    than 2^30 steps"""
    most = _TO_CLAMP.get(node.activation, _TO_CLAMP.get(node.op.kind))
    if most is None or not node.quantized or node.output.dtype == "float32":
        return True, ""
    scale = float(scale_of(node.output))
    return most / scale < 1 << 30, f"scale {scale:g}"
