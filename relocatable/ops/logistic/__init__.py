"""LOGISTIC."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relocatable.graph.graph import Quant
from relocatable.ops._shared.types import probability_scale
from relocatable.ops._shared.unary import Floats, real_operator

_QUANTS = {"int8": Quant((1 / 256,), (-128,)), "uint8": Quant((1 / 256,), (0,))}


def logistic(x: Floats) -> Floats:
    """Compute 1 / (1 + e^-x) as LiteRT does."""
    with np.errstate(over="ignore"):
        e = np.exp(-x.astype(np.float64)).astype(np.float32)
    return np.float32(1) / (np.float32(1) + e)


_OPERATOR = real_operator("LOGISTIC", "XN_LOGISTIC", logistic, probability_scale, _QUANTS)
OPERATORS = (replace(_OPERATOR, result="probabilities"),)
