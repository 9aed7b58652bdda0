"""MAXIMUM, MINIMUM, FLOOR_DIV, FLOOR_MOD, POW, LOGICAL_AND and LOGICAL_OR.

Scaled integers are taken as they are stored, as LiteRT does. The quotient of an integer and zero,
which LiteRT refuses while it runs, is 0, and so is what is left. Integers that overflow wrap.
"""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.plain import PlainFunction
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Seen

_ALL = ("int8", "uint8", "int16", "int32", "int64", "float32")


def whole_power(node: Node) -> Seen:
    """exponents of integers must be known at compile time, and not below 0"""
    exponent = node.inputs[1]
    if exponent.dtype == "float32":
        return True, ""
    if exponent.data is None:
        return False, f"computed '{exponent.name}'"
    least = int(np.min(exponent.data.astype(np.int64), initial=0))
    return least >= 0, str(least)


def _not_zero(values: Array) -> Array:
    return np.where(values == 0, 1, values)


def floor_quotient(a: Array, b: Array) -> Array:
    """Divide, rounded down; 0 for an integer over zero."""
    if a.dtype == np.float32:
        return np.floor(a.astype(np.float64) / b)
    wide = np.floor_divide(a.astype(np.int64), _not_zero(b).astype(np.int64))
    return np.where(b == 0, 0, wide).astype(a.dtype)


def floor_remainder(a: Array, b: Array) -> Array:
    """Compute what rounding down leaves, of the divisor's sign."""
    if a.dtype == np.float32:
        rest = np.fmod(a, b)
        return np.where((rest != 0) & ((rest < 0) != (b < 0)), rest + b, rest)
    return np.where(b == 0, 0, np.mod(a, _not_zero(b)))


def power(a: Array, b: Array) -> Array:
    """Compute powers; integers wrap."""
    return np.power(a.astype(np.float64), b) if a.dtype == np.float32 else np.power(a, b)


FUNCTIONS = (
    PlainFunction("MAXIMUM", np.maximum, _ALL, rank=6),
    PlainFunction("MINIMUM", np.minimum, _ALL, rank=6),
    PlainFunction(
        "FLOOR_DIV", floor_quotient, ("int8", "int16", "int32", "float32"), second=_not_zero
    ),
    PlainFunction(
        "FLOOR_MOD",
        floor_remainder,
        ("int8", "int16", "int32", "float32"),
        second=_not_zero,
    ),
    PlainFunction(
        "POW",
        power,
        ("int32", "float32"),
        rules=(whole_power,),
        second=lambda values: values & 1,  # more would overflow, which C leaves undefined
        version=1,
    ),
    PlainFunction("LOGICAL_AND", np.logical_and, ("bool",), version=1),
    PlainFunction("LOGICAL_OR", np.logical_or, ("bool",), version=1),
)

OPERATORS = tuple(function.operator() for function in FUNCTIONS)
