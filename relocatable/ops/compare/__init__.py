"""EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS and LESS_EQUAL.

8-bit values are compared as LiteRT does: times 256 and the scale, rounded to integers. Those of 16
bits are compared as they are stored, whatever their scale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relocatable.graph.graph import Graph, Quant, Tensor
from relocatable.ops._shared.factors import factors_below
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
from relocatable.steps.kernel_call import KernelCall

_BYTES = ("int8", "uint8")


def byte_scales(node: Node) -> Seen:
    """tensors of 8 bits must have one scale, and a zero point within their type"""
    return one_scale(node) if node.inputs[0].dtype in _BYTES else (True, "")


def _scales(node: Node) -> list[np.float32]:
    compared = [t for t in node.inputs if t.dtype in _BYTES]
    return [scale_of(t) for t in compared] or [np.float32(0)]


_BELOW_1 = factors_below(0, "inputs' scales", _scales)


def real_steps(node: Node, i: int, values: Ints) -> Ints:
    """Compute what LiteRT compares of an operand's stored values."""
    operand = node.inputs[i]
    multiplier, shift = quantize_multiplier(float(scale_of(operand)))
    return multiply_by_quantized_multiplier((values - zero_of(operand)) << 8, multiplier, shift)


@dataclass(frozen=True)
class Comparison(PlainFunction):
    """A comparison; 8-bit values of different scales go by their ranks."""

    def lower(self, site: Site) -> KernelCall:
        """Lower the comparison."""
        name = self.kind.lower()
        if site.input(0).dtype not in _BYTES:
            return plain_call(site, f"xn_{name}")
        first, second = (real_steps(site.node, i, all_values(site.input(i))) for i in (0, 1))
        in_order = first[np.argsort(all_values(site.input(0)))]
        if np.array_equal(first, second) and np.all(np.diff(in_order) > 0):
            return plain_call(site, f"xn_{name}")
        _, ranks = np.unique(np.concatenate([first, second]), return_inverse=True)
        tables = ranks.reshape(2, 256).astype(np.uint16)
        weights = {"ranks_a": tables[0], "ranks_b": tables[1]}
        return plain_call(site, f"xn_ranked_{name}", weights)

    def evaluate(self, node: Node, inputs: list[Array]) -> Array:
        """Compare."""
        if node.inputs[0].dtype not in _BYTES:
            return super().evaluate(node, inputs)
        values = [real_steps(node, i, x.astype(np.int64)) for i, x in enumerate(inputs)]
        return super().evaluate(node, list(values))

    def sample(self, rng: Rng, dtype: str) -> Graph:
        """Make a graph whose operands are often equal, and of one scale or two."""
        graph = _with_scales_below_1(super().sample(rng, dtype))
        if dtype in _BYTES and rng.random() < 0.6:
            scale = float(np.float32(rng.choice([0.3, 0.01, 0.001])))
            second = graph.tensors[graph.ops[0].inputs[1]]
            other = replace(second, quant=Quant((scale,), (int(rng.integers(0, 100)),)))
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
        rules=(byte_scales, _BELOW_1),
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
