"""TANH."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Quant
from relocatable.ops._shared.types import exact_scale
from relocatable.ops._shared.unary import Floats, real_operator
from relocatable.ops.node import Node
from relocatable.ops.operator import Seen

_ZEROS = {"int8": 0, "uint8": 128}
_QUANTS = {dtype: Quant((1 / 128,), (zero,)) for dtype, zero in _ZEROS.items()}


def tanh_scale(node: Node) -> Seen:
    """an output of 8 bits must have scale 1/128 and zero point 0 (uint8: 128), one of 16 bits scale
    1/32768"""
    return exact_scale(node.output, 1 / 128, _ZEROS)


def tanh(x: Floats) -> Floats:
    """Compute tanh, rounded once to single precision."""
    return np.tanh(x.astype(np.float64)).astype(np.float32)


OPERATORS = (real_operator("TANH", "XN_TANH", tanh, tanh_scale, _QUANTS),)
