"""EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS and LESS_EQUAL.

8-bit values are compared as LiteRT does: times 256 and the scale, rounded to integers. So are those
of 16 bits by EQUAL and NOT_EQUAL; the others compare what is stored, whatever its scale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relocatable.graph.graph import Graph, Quant, Tensor
from relocatable.ops._shared.broadcast import broadcast_call
from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    scale_of,
    zero_of,
)
from relocatable.ops._shared.plain import PlainFunction, plain_call
from relocatable.ops._shared.table import all_values
from relocatable.ops._shared.types import one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Options, Rng, Seen
from relocatable.ops.site import Site
from relocatable.steps.c_call import CValue, Name
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets.arm import DSP, MVE_I

_BYTES = ("int8", "uint8")
_EQUALITIES = ("EQUAL", "NOT_EQUAL")


def _is_scaled(node: Node) -> bool:
    dtype = node.inputs[0].dtype
    return dtype in _BYTES or (dtype == "int16" and node.op.kind in _EQUALITIES)


def compared_scales(node: Node) -> Seen:
    """tensors of 8 bits, and of 16 bits for EQUAL and NOT_EQUAL, must have one scale below 1, and a
    zero point in their range (int16: 0)"""
    if not _is_scaled(node):
        return True, ""
    ok, text = one_scale(node)
    largest = max(float(scale_of(t)) for t in node.inputs) if ok else 0.0
    return ok and largest < 1, text or f"{largest:g}"


# What a comparison becomes if the first operand is compared with a limit.
_RELATIONS = {
    "EQUAL": "XN_SAME",
    "NOT_EQUAL": "XN_OTHER",
    "GREATER": "XN_ABOVE",
    "GREATER_EQUAL": "XN_ABOVE",
    "LESS": "XN_BELOW",
    "LESS_EQUAL": "XN_BELOW",
}
_NEVER = 1000  # is no 8-bit value


def limits_of(kind: str, low: int, first: Ints, second: Ints) -> Ints | None:
    """Find what first stored values are compared with, for each second one.

    Args:
        kind: of the comparison.
        low: the least stored value.
        first: what is compared of the first operand, by rising stored values.
        second: of the second operand, in any order.

    Returns:
        Stored values, for EQUAL and NOT_EQUAL by their bits as unsigned. None if several first ones
        count as the same: then no limit says EQUAL.
    """
    below, up_to = (np.searchsorted(first, second, side) + low for side in ("left", "right"))
    if kind in _EQUALITIES:
        same = np.where(up_to > below, below & 0xFF, _NEVER)
        return None if np.any(np.diff(first) == 0) else same
    limits = {"LESS": below, "LESS_EQUAL": up_to, "GREATER": up_to - 1, "GREATER_EQUAL": below - 1}
    return limits[kind]


def real_steps(node: Node, i: int, values: Ints) -> Ints:
    """Compute what LiteRT compares of an operand's stored values."""
    operand = node.inputs[i]
    multiplier, shift = quantize_multiplier(float(scale_of(operand)))
    return multiply_by_quantized_multiplier((values - zero_of(operand)) << 8, multiplier, shift)


def _scaled_params(node: Node) -> dict[str, CValue]:
    params: dict[str, CValue] = {}
    for name, tensor in zip("ab", node.inputs, strict=True):
        multiplier, shift = quantize_multiplier(float(scale_of(tensor)))
        params |= {f"{name}_zero": zero_of(tensor), f"{name}_multiplier": multiplier}
        params[f"{name}_shift"] = shift
    return params


@dataclass(frozen=True)
class Comparison(PlainFunction):
    """A comparison; 8-bit values of different scales go by limits."""

    def lower(self, site: Site) -> KernelCall:
        """Lower the comparison."""
        node = site.node
        limits = None
        if not _is_scaled(node):
            return plain_call(site, f"xn_{self.kind.lower()}")
        relation = {"relation": Name(_RELATIONS[self.kind])}
        if site.input(0).dtype in _BYTES:
            first, second = (real_steps(node, i, all_values(site.input(i))) for i in (0, 1))
            values = all_values(site.input(0))
            in_order = first[np.argsort(values)]
            if np.array_equal(first, second) and np.all(np.diff(in_order) > 0):
                return plain_call(site, f"xn_{self.kind.lower()}")
            limits = limits_of(self.kind, int(values.min()), in_order, second)
        if limits is not None:
            table = {"limits": limits.astype(np.int16)}
            target = site.target
            suffix = "_mve" if target.has(MVE_I) else "_dsp" if target.has(DSP) else ""
            return broadcast_call(
                site,
                f"compare/compare{suffix}.c",
                f"xn_compare_limits{suffix}",
                dict(relation),
                weights=table,
            )
        return broadcast_call(
            site, "compare/compare.c", "xn_compare_scaled", {**_scaled_params(node), **relation}
        )

    def evaluate(self, node: Node, inputs: list[Array]) -> Array:
        """Compare."""
        if not _is_scaled(node):
            return super().evaluate(node, inputs)
        values = [real_steps(node, i, x.astype(np.int64)) for i, x in enumerate(inputs)]
        return super().evaluate(node, list(values))

    def sample(self, rng: Rng, dtype: str) -> Graph:
        """Make a graph whose operands are often equal, and of one scale or two."""
        graph = _with_scales_below_1(super().sample(rng, dtype))
        if dtype in (*_BYTES, "int16") and rng.random() < 0.6:
            scale = float(np.float32(rng.choice([0.3, 0.01, 0.001])))
            zero = 0 if dtype == "int16" else int(rng.integers(0, 100))
            second = graph.tensors[graph.ops[0].inputs[1]]
            other = replace(second, quant=Quant((scale,), (zero,)))
            tensors = tuple(other if t is second else t for t in graph.tensors)
            graph = replace(graph, tensors=tensors)
        return graph


def _with_scales_below_1(graph: Graph) -> Graph:
    return replace(graph, tensors=tuple(map(_with_scale_below_1, graph.tensors)))


def _with_scale_below_1(tensor: Tensor) -> Tensor:
    if tensor.quant is None or tensor.quant.scale[0] < 1:
        return tensor
    return replace(tensor, quant=replace(tensor.quant, scale=(0.75,)))


def _of(kind: str, options: str, meaning: np.ufunc, *more: str) -> Comparison:
    return Comparison(
        kind,
        meaning,
        (*_BYTES, "int16", "int32", "int64", "float32", *more),
        output="bool",
        options=Options(options, ()),
        rules=(compared_scales,),
    )


FUNCTIONS = (
    _of("EQUAL", "EqualOptions", np.equal, "bool"),
    _of("NOT_EQUAL", "NotEqualOptions", np.not_equal, "bool"),
    _of("GREATER", "GreaterOptions", np.greater),
    _of("GREATER_EQUAL", "GreaterEqualOptions", np.greater_equal),
    _of("LESS", "LessOptions", np.less),
    _of("LESS_EQUAL", "LessEqualOptions", np.less_equal),
)

OPERATORS = tuple(function.operator() for function in FUNCTIONS)
