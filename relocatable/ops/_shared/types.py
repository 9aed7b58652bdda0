"""Rules of element types and quantisation that several operators share."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Quant, Tensor
from relocatable.ops.node import Node
from relocatable.ops.operator import Seen

# Element types of operators that compute, of operators that only move values, and of parameters.
ARITHMETIC = ("int8", "uint8", "float32")
ARITHMETIC_16 = ("int8", "uint8", "int16", "float32")
MOVABLE = ("int8", "uint8", "int16", "int32", "float32")
INTEGERS = ("int32", "int64")
NUMBERS = (*ARITHMETIC_16, *INTEGERS)

# Of 16-bit results between -1 and 1.
UNIT_16 = Quant((1 / 32768,), (0,))


def one_type(node: Node) -> Seen:
    """inputs and output must be of one type"""
    seen = [t.dtype for t in (*node.inputs, node.output)]
    return len(set(seen)) == 1, ", ".join(seen)


def kept_type(node: Node) -> Seen:
    """input and output must be of one type"""
    source, output = node.inputs[0].dtype, node.output.dtype
    return source == output, f"{source} -> {output}"


def one_scale(node: Node) -> Seen:
    """tensors of 8 and 16 bits must have one scale, and a zero point in their range (int16: 0)"""
    for tensor in node.quantized:
        if not has_one_scale(tensor):
            return False, f"{tensor.quant} of {tensor.dtype} '{tensor.name}'"
    return True, ""


def one_scale_or_none(node: Node) -> Seen:
    """tensors of 8 and 16 bits must have one scale, and a zero point in their range (int16: 0), or
    all no scale"""
    return (True, "") if all(t.quant is None for t in node.quantized) else one_scale(node)


def kept_scale(node: Node) -> Seen:
    """inputs and output of 8 or 16 bits must have the same scale and zero point"""
    quants = {t.quant for t in node.quantized}
    return len(quants) <= 1, " and ".join(quant_text(q) for q in quants)


def probability_scale(node: Node) -> Seen:
    """an output of 8 bits must have scale 1/256 and zero point -128 (uint8: 0), one of 16 bits
    scale 1/32768"""
    return exact_scale(node.output, 1 / 256, {"int8": -128, "uint8": 0})


def has_one_scale(tensor: Tensor) -> bool:
    """Whether a tensor has one scale, and a zero point in its range (int16: 0)."""
    quant, limits = tensor.quant, np.iinfo(tensor.dtype)
    if quant is None or len(quant.scale) != 1:
        return False
    zero_point = quant.zero_point[0]
    return zero_point == 0 if tensor.dtype == "int16" else limits.min <= zero_point <= limits.max


def exact_scale(tensor: Tensor, scale: float, zero_points: dict[str, int]) -> Seen:
    """Compare the quantisation of a tensor with the only one that is taken.

    Args:
        tensor: of floats, which have none, or of integers.
        scale: of 8 bits; that of 16 bits is 1/32768, its zero point 0.
        zero_points: of types of 8 bits.
    """
    if tensor.dtype == "float32":
        return True, ""
    is_wide = tensor.dtype == "int16"
    wanted = UNIT_16 if is_wide else Quant((scale,), (zero_points[tensor.dtype],))
    return tensor.quant == wanted, quant_text(tensor.quant)


def quant_text(quant: Quant | None) -> str:
    """Describe a quantisation in a message."""
    if quant is None:
        return "no scale"
    return f"scale {quant.scale[0]:g}, zero point {quant.zero_point[0]}"
