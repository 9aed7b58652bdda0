"""SQUARED_DIFFERENCE.

LiteRT has none of 16-bit values: their reference is TFLite Micro's kernel.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Tensor
from relocatable.ops._shared.broadcast import broadcast_call, random_shapes, stretched_shapes
from relocatable.ops._shared.common_scales import CommonScales, common_scale
from relocatable.ops._shared.factors import factors_below
from relocatable.ops._shared.fixed_point import (
    MOST_RIGHT,
    Ints,
    multiply_by_quantized_multiplier,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.ops._shared.plain import plain_call
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.table import all_values, table_pays
from relocatable.ops._shared.types import one_scale, one_type
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, samples
from relocatable.ops.site import Site
from relocatable.ops.squared_difference.root import Root, fit_root
from relocatable.steps.c_call import CValue
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets.arm import DSP, MVE_I

_SWEPT = ("int8", "int32", "float32")
_TYPES = (*_SWEPT, "int16")
_PLAIN = ("int32", "float32")
_SOURCE = "squared_difference/squared_difference.c"


def _out_factor(node: Node) -> float:
    common = common_scale(node)
    with np.errstate(over="ignore"):
        return common * common / float(np.float32(1 << 2 * _lift(node)) * scale_of(node.output))


def _lift(node: Node) -> int:
    """Tell by which power of two values are raised before they are scaled."""
    return 0 if node.output.dtype == "int16" else 7


_FACTOR = factors_below(
    0,
    "the square of twice the larger input's scale over 2^14 times the output's",
    lambda node: [_out_factor(node)] if node.output.dtype == "int8" else [0.0],
)
_FACTOR_16 = factors_below(
    15,
    "the square of twice the larger input's scale over the output's, of int16,",
    lambda node: [_out_factor(node)] if node.output.dtype == "int16" else [0.0],
)
# LiteRT multiplies it by 2^14 in single precision.
_OUTPUT = factors_below(100, "the output's scale", lambda node: [scale_of(node.output)])


def lower_squared_difference(site: Site) -> KernelCall:
    """Lower a squared difference."""
    if site.output.dtype in _PLAIN:
        return plain_call(site, "xn_squared_difference")
    a, b = site.input(0), site.input(1)
    if site.output.dtype == "int8" and scale_of(a) == scale_of(b):
        zeros = zero_of(a) - zero_of(b)
        differences = np.arange(-255, 256, dtype=np.int64)
        low, high = type_range("int8")
        # Only the difference counts: the common scale is twice as large, and rounds nothing.
        squares = _square(site.node, (differences - zeros) * 64)
        table = np.clip(squares, low, high).astype(np.int8)
        params: dict[str, CValue] = {"offset": 255}
        return broadcast_call(
            site, _SOURCE, "xn_difference_table", params, weights={"table": table}
        )
    scales = CommonScales.of(site.node, _out_factor(site.node))
    if site.output.dtype == "int8" and table_pays(site):
        return _lower_steps(site, scales)
    params = {"a_zero": zero_of(a), "b_zero": zero_of(b), "out_zero": zero_of(site.output)}
    for name, (multiplier, shift) in scales._asdict().items():
        params |= {f"{name}_multiplier": multiplier, f"{name}_shift": shift}
    return broadcast_call(site, _SOURCE, "xn_scaled_difference", params)


def _lower_steps(site: Site, scales: CommonScales) -> KernelCall:
    """Lower a squared difference of int8 by a table of the finer operand."""
    operands = [(site.input(0), scales.a), (site.input(1), scales.b)]
    is_second = scale_of(site.input(1)) < scale_of(site.input(0))
    (coarse, _), (fine, scale) = operands if is_second else operands[::-1]
    steps = multiply_by_quantized_multiplier((all_values(fine) - zero_of(fine)) << 7, *scale)
    multiplier, shift = scales.out
    params: dict[str, CValue] = {
        "is_second": int(is_second),
        "zero": zero_of(site.output),
        "multiplier": multiplier,
        "right": -shift,
    }
    suffix = ""
    root = None
    if site.target.has(DSP) and not site.target.has(MVE_I):
        root = _root(site.node, scales, steps + 64 * zero_of(coarse), coarse)
    if root is not None:
        return broadcast_call(
            *(site, "squared_difference/squared_difference_root_dsp.c", "xn_difference_root_dsp"),
            {"is_second": int(is_second), "slope": root.slope, "start": root.start},
            weights={"table": root.table.astype(np.int32)},
        )
    if site.target.has(MVE_I):
        suffix = "_mve"
    elif site.target.has(DSP) and 1 <= -shift <= MOST_RIGHT:
        suffix = "_dsp"
    return broadcast_call(
        *(site, f"squared_difference/squared_difference{suffix}.c", f"xn_difference{suffix}"),
        params,
        weights={"steps": (steps + 64 * zero_of(coarse)).astype(np.int16)},
    )


def _root(node: Node, scales: CommonScales, steps: Ints, coarse: Tensor) -> Root | None:
    """Fit a line for the results of all pairs of values."""
    values = all_values(coarse)
    squares = (steps[:, None] - 64 * values[None, :]) ** 2
    wanted = multiply_by_quantized_multiplier(squares, *scales.out) + zero_of(node.output)
    clamped = np.clip(wanted, *type_range("int8"))
    right = -scales.out[1]
    return fit_root(steps, values, clamped, _out_factor(node), right, zero_of(node.output))


def _square(node: Node, difference: Ints) -> Ints:
    """Square a difference in the common scale and rescale it, not yet clamped."""
    square = difference * difference
    scaled = multiply_by_quantized_multiplier(square, *CommonScales.of(node, _out_factor(node)).out)
    return scaled + zero_of(node.output)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Square the difference, and rescale integers that have a scale."""
    if node.output.dtype in _PLAIN:
        difference = inputs[0] - inputs[1]
        return np.asarray(difference * difference)
    scales = CommonScales.of(node, _out_factor(node))
    x, y = (
        multiply_by_quantized_multiplier((v.astype(np.int64) - zero_of(t)) << _lift(node), *scale)
        for v, t, scale in zip(inputs, node.inputs, (scales.a, scales.b), strict=True)
    )
    return np.clip(_square(node, x - y), *type_range(node.output.dtype)).astype(node.output.dtype)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph whose inputs have one scale or two."""
    b = GraphBuilder()
    shapes = random_shapes(rng, 4)
    first, second, third = (random_quant(rng, dtype, 0.7) for _ in range(3))
    if rng.random() < 0.5:
        second = first
    x = b.input(*shapes[0], dtype=dtype, quant=first)
    y = b.input(*shapes[1], dtype=dtype, quant=second)
    full = np.broadcast_shapes(*map(tuple, shapes))
    out = b.tensor(*full, dtype=dtype, quant=third)
    return b.graph(b.op("SQUARED_DIFFERENCE", (x, y), out))


OPERATORS = (
    Operator(
        kind="SQUARED_DIFFERENCE",
        operands=(Operand("first input", _TYPES), Operand("second input", _TYPES)),
        output=_TYPES,
        rules=(one_type, one_scale, _FACTOR, _FACTOR_16, _OUTPUT),
        shape=stretched_shapes,
        kernels=(Kernel(lower_squared_difference),),
        evaluate=evaluate,
        samples=samples(sample, _SWEPT),
    ),
)
