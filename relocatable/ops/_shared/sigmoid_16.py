"""LOGISTIC and TANH of 16-bit values as in LiteRT: lines between 256 points."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.ops._shared.fixed_point import Ints, scale_of, whole_log2
from relocatable.ops.node import Node
from relocatable.ops.operator import Seen
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, Input, Output
from relocatable.steps.kernel_call import KernelCall

_ENTRIES = 256
# Entries of LiteRT's table that are one more than the rounded function.
_ONE_MORE = (
    *(4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39),
    *(40, 41, 43, 44, 45, 46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255),
)


def line_scale(node: Node) -> Seen:
    """an input of 16 bits must have a scale of at most 2"""
    x = node.inputs[0]
    return x.dtype != "int16" or float(scale_of(x)) <= 2.0, str(x.quant)


def lower_sigmoid(site: Site) -> KernelCall:
    """Lower LOGISTIC or TANH of 16-bit values."""
    multiplier, shift = _multiplier(site.node)
    params = {
        "count": site.count,
        "multiplier": multiplier,
        "shift": shift,
        "is_tanh": int(site.op.kind == "TANH"),
    }
    call = CCall("xn_sigmoid_16", (Input(0), Constant("table"), Output()), params)
    return site.call(
        "_shared/sigmoid_16.c",
        call,
        weights={"table": sigmoid_table()},
        in_place=(0,),
        rows=site.value_rows,
    )


def sigmoid_16(node: Node, values: Ints) -> Ints:
    """Compute LOGISTIC or TANH of stored values."""
    return sigmoid_lines(values, *_multiplier(node), node.op.kind == "TANH")


def sigmoid_lines(values: Ints, multiplier: int, shift: int, is_tanh: bool) -> Ints:
    """Compute LOGISTIC or TANH of values times a factor, in steps of 1 / (3 * 4096)."""
    bits = 8 if is_tanh else 9
    x = (values * multiplier + ((1 << shift) >> 1)) >> shift
    size, table = np.abs(x), sigmoid_table().astype(np.int64)
    at = np.minimum(size >> bits, _ENTRIES - 2)
    y = (table[at] << bits) + (size & ((1 << bits) - 1)) * (table[at + 1] - table[at])
    y = np.where(size >> bits < _ENTRIES - 1, y, 0xFFFF << 8 if is_tanh else 0x7FFF << 10)
    if is_tanh:
        above = y - (1 << 23)
        return np.where(x >= 0, above + (1 << 7), (1 << 7) - 1 - above) >> 8
    return np.where(x >= 0, y + (1 << 9), (1 << 25) - y + (1 << 9) - 1) >> 10


def _multiplier(node: Node) -> tuple[int, int]:
    """Find LiteRT's factor of the input to steps of 1 / (3 * 4096)."""
    scale = scale_of(node.inputs[0])
    power, most = whole_log2(scale), 1 if node.op.kind == "TANH" else 0
    if power is not None and 0 <= power + 12 <= most:
        return 3 << (power + 12), 0
    factor, shift = float(scale) * 4096.0 * 3.0, 0
    while factor <= 32767.0 / 2.0 and shift <= 30:
        factor, shift = factor * 2.0, shift + 1
    return int(factor), shift


def sigmoid_table() -> npt.NDArray[np.uint16]:
    """Make LiteRT's table: logistic(i / 24), 16 fraction bits, [256]."""
    at = np.arange(_ENTRIES)
    exact = np.rint(65536 / (1 + np.exp(-at / 24)))
    return (exact + np.isin(at, _ONE_MORE)).astype(np.uint16)
