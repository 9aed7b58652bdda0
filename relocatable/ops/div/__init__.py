"""DIV.

The quotient of an integer and zero, which LiteRT refuses while it runs, is 0. A quotient of scaled
integers is that of the first and the divisor's reciprocal, found by Newton's method.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.broadcast import broadcast_call
from relocatable.ops._shared.factors import clamp_steps
from relocatable.ops._shared.fixed_point import (
    Ints,
    bit_lengths,
    quantize_multiplier,
    quantized_clamp,
    reciprocal,
    rounding_divide_by_pot,
    saturating_doubling_high_mul,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.ops._shared.images import fused_activation, random_activation
from relocatable.ops._shared.plain import PlainFunction, plain_call, plain_clamp
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.table import all_values, table_pays
from relocatable.ops._shared.types import one_scale
from relocatable.ops.div.slopes import fit_slopes
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Options, Rng, Seen
from relocatable.ops.site import Site
from relocatable.steps.c_call import CValue
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets.arm import DSP, MVE_I

_SCALED = ("int8", "uint8", "int16")


@dataclass(frozen=True)
class Division(PlainFunction):
    """A quotient with a fused activation."""

    def lower(self, site: Site) -> KernelCall:
        """Lower the quotient of any numbers."""
        node = site.node
        if not node.quantized:
            return plain_call(site, "xn_clamped_div")
        a, b, y = (*node.inputs, node.output)
        multiplier, shift = quantize_multiplier(_factor(node))
        low, high = quantized_clamp(site.activation, y)
        params: dict[str, CValue] = {
            "a_zero": zero_of(a),
            "out_zero": zero_of(y),
            "low": low,
            "high": high,
        }
        slopes = _slopes(node, (low, high)) if y.dtype != "int16" and table_pays(site) else None
        if slopes is not None:
            target = site.target
            suffix = "_mve" if target.has(MVE_I) else "_dsp" if target.has(DSP) else ""
            weights = {"slopes": slopes.astype(np.int32)}
            source, function = f"div/div{suffix}.c", f"xn_quotient{suffix}"
            return broadcast_call(site, source, function, params, weights=weights)
        params |= {"b_zero": zero_of(b), "multiplier": multiplier, "shift": shift}
        return broadcast_call(site, "div/div.c", "xn_scaled_div", params)

    def evaluate(self, node: Node, inputs: list[Array]) -> Array:
        """Divide, and clamp."""
        if node.quantized:
            return _scaled_quotient(node, inputs)
        found = super().evaluate(node, inputs)
        return np.clip(found, *plain_clamp(node.activation, node.output.dtype))

    def sample(self, rng: Rng, dtype: str) -> Graph:
        """Make a graph of one quotient; of integers by a constant without zeros."""
        graph = super().sample(rng, dtype)
        attrs = {"fused_activation_function": random_activation(rng)}
        graph = replace(graph, ops=(replace(graph.ops[0], attrs=attrs),))
        return _with_scales(rng, graph) if dtype in _SCALED else graph


def _with_scales(rng: Rng, graph: Graph) -> Graph:
    """Give tensors scales that LiteRT divides with, and the divisor no zeros."""
    [op] = graph.ops
    (first, second), [last] = op.inputs, op.outputs
    tensors = list(graph.tensors)
    dtype = tensors[last].dtype
    quants = [random_quant(rng, dtype) for _ in range(3)]
    a, b, y = (quant or Quant((1.0,), (0,)) for quant in quants)
    divisor = np.asarray(tensors[second].data)
    divisor = np.where(divisor == b.zero_point[0], divisor ^ 1, divisor)
    tensors[first] = replace(tensors[first], quant=a)
    tensors[second] = replace(tensors[second], quant=b, data=divisor)
    steps = float(np.abs(divisor.astype(np.int64) - b.zero_point[0]).max())
    steps *= rng.uniform(0.55, 1.0 if dtype == "int16" else 10.0)
    scale = float(np.float32(a.scale[0] / b.scale[0] / steps))
    tensors[last] = replace(tensors[last], quant=Quant((scale,), y.zero_point))
    return replace(graph, tensors=tuple(tensors))


def _factor(node: Node) -> float:
    a, b, y = (scale_of(t) for t in (*node.inputs, node.output))
    with np.errstate(all="ignore"):
        return float(a / (b * y))


def scaled_factor(node: Node) -> Seen:
    """for values of 8 and 16 bits, the first input's scale over those of divisor and output must be
    below 2^23 (16 bits: 2^15), and at least half the steps of the largest divisor"""
    if not node.quantized:
        return True, ""
    divisor, most = node.inputs[1], 1 << (15 if node.output.dtype == "int16" else 23)
    values: Array | Sequence[int] = type_range(divisor.dtype)
    values = divisor.data if divisor.data is not None else np.asarray(values)
    largest = int(np.abs(values.astype(np.int64) - zero_of(divisor)).max(initial=1))
    factor = _factor(node)
    return largest / 2 <= factor < most, f"{factor:g} for {largest} steps"


def _scaled_quotient(node: Node, inputs: list[Array]) -> Array:
    """Divide scaled integers as LiteRT does."""
    first, second = (
        x.astype(np.int64) - zero_of(t) for x, t in zip(inputs, node.inputs, strict=True)
    )
    a, b = np.broadcast_arrays(first * np.sign(second), np.abs(second))
    bits, inverse = bit_lengths(np.maximum(b, 1)), _inverses(b)
    room = 31 - bit_lengths(np.where(a < 0, -a - 1, a))
    quotient = saturating_doubling_high_mul(a << room, inverse)
    multiplier, shift = quantize_multiplier(_factor(node))
    right = room + bits - 1 - shift
    scaled = rounding_divide_by_pot(saturating_doubling_high_mul(quotient, multiplier), right)
    y = node.output
    return np.asarray(np.clip(scaled + zero_of(y), *quantized_clamp(node.activation, y)), y.dtype)


def _slopes(node: Node, clamp: tuple[int, int]) -> Ints | None:
    """Find the slopes of all divisors; None if a divisor's quotients are no products."""
    a, b = (all_values(t) for t in node.inputs)
    wanted = _scaled_quotient(node, [a[None, :], b[:, None]]).astype(np.int64)
    return fit_slopes(a - zero_of(node.inputs[0]), wanted, zero_of(node.output), clamp)


def _inverses(divisors: Ints) -> Ints:
    """Compute the reciprocals of numbers, their highest bits as 1; 0 for zero."""
    some = np.maximum(divisors, 1)
    found = reciprocal((some << (32 - bit_lengths(some))) - (1 << 31))
    return np.where(divisors == 0, 0, found)


def _quotient(a: Array, b: Array) -> Array:
    if a.dtype == np.float32:
        return a / b
    wide, by = a.astype(np.int64), np.where(b == 0, 1, b).astype(np.int64)
    whole = np.abs(wide) // np.abs(by) * np.sign(wide) * np.sign(by)
    return np.where(b == 0, 0, whole)


OPERATORS = (
    Division(
        "DIV",
        _quotient,
        (*_SCALED, "int32", "float32"),
        options=Options("DivOptions", ("fused_activation_function",)),
        rules=(one_scale, fused_activation, clamp_steps, scaled_factor),
        second=lambda values: np.where(values == 0, 1, values),
        rank=5,
    ).operator(),
)
