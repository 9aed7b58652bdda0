"""PRELU."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant, Tensor
from relocatable.ops._shared.broadcast import broadcast_call, stretched_shapes
from relocatable.ops._shared.factors import factors_below
from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    scale_of,
    type_range,
    zero_of,
)
from relocatable.ops._shared.random import random_input, random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.table import all_values, lower_table, table_pays
from relocatable.ops._shared.types import ARITHMETIC, ARITHMETIC_16, one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.prelu.lines import BITS, UNIT, fit_lines
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output, RowCount
from relocatable.steps.kernel_call import KernelCall, Rows
from relocatable.targets.arm import DSP, MVE_I

_MOST_RIGHT = 16  # of halves of words
_LEAST_REPEATED = 8  # so often, if slopes become lines of 8 bytes


def _factors(node: Node) -> tuple[float, float]:
    """Compute the factors of values from zero on and below, in single precision."""
    x, slope = (scale_of(t) for t in node.inputs)
    y = scale_of(node.output)
    return float(x / y), float(x * slope / y)


_FACTORS = factors_below(
    15, "the input's scale over the output's, and the slopes' scale times it,", _factors
)


def slope_types(node: Node) -> Seen:
    """input, slopes and output must be of one type; but slopes of int16 must be int8"""
    x, slope, y = (t.dtype for t in (*node.inputs, node.output))
    return x == y and slope == ("int8" if x == "int16" else x), f"{x}, {slope}, {y}"


def lower_prelu(site: Site) -> KernelCall:
    """Lower PRELU of any type; one slope for all bytes makes a table."""
    if site.is_float:
        return broadcast_call(site, "prelu/prelu.c", "xn_prelu", {})
    x, slope = site.input(0), site.input(1)
    if x.dtype != "int16" and slope.data is not None and np.unique(slope.data).size == 1:
        one = slope.data.reshape(-1)[:1].astype(np.int64)
        return lower_table(site, scaled(site.node, all_values(x), one))
    up, below = (quantize_multiplier(factor) for factor in _factors(site.node))
    if x.dtype != "int16" and site.target.has(MVE_I):
        return _lower_mve(site, below)
    if x.dtype != "int16" and site.target.has(DSP) and table_pays(site):
        call = _lower_lines(site) or _lower_dsp(site, below)
        if call is not None:
            return call
    params: dict[str, CValue] = {
        "in_zero": zero_of(x),
        "slope_zero": zero_of(slope),
        "out_zero": zero_of(site.output),
        "multiplier": up[0],
        "shift": up[1],
        "below_multiplier": below[0],
        "below_shift": below[1],
    }
    return broadcast_call(site, "prelu/prelu.c", "xn_prelu", params)


def _lower_mve(site: Site, below: tuple[int, int]) -> KernelCall:
    """Lower PRELU of bytes for Helium: values from zero on by a table."""
    x, slope = site.input(0), site.input(1)
    params: dict[str, CValue] = {
        "in_zero": zero_of(x),
        "slope_zero": zero_of(slope),
        "out_zero": zero_of(site.output),
        "below_multiplier": below[0],
        "below_shift": below[1],
    }
    table = {"above": _above(site.node).astype(site.output.dtype)}
    return broadcast_call(site, "prelu/prelu_mve.c", "xn_prelu_mve", params, weights=table)


def _lower_dsp(site: Site, below: tuple[int, int]) -> KernelCall | None:
    """Lower PRELU of bytes for the DSP extension, by a table of both halves.

    Returns:
        None if products are not shifted right, or too far.
    """
    x, slope = site.input(0), site.input(1)
    if not 1 <= -below[1] <= _MOST_RIGHT:
        return None
    params: dict[str, CValue] = {
        "slope_zero": zero_of(slope),
        "multiplier": below[0],
        "right": -below[1],
    }
    twice = 2 * np.minimum(all_values(x) - zero_of(x), 0)
    above = _above(site.node) - type_range(x.dtype)[0]
    entries = (above << 16) + (twice & 0xFFFF)
    weights = {"entries": entries.astype(np.int32)}
    return broadcast_call(site, "prelu/prelu_dsp.c", "xn_prelu_dsp", params, weights=weights)


def _lower_lines(site: Site) -> KernelCall | None:
    """Lower PRELU of bytes for the DSP extension, by a line for each slope.

    Returns:
        None if slopes are computed or not repeated, or one has no line.
    """
    x, slope = site.input(0), site.input(1)
    rows = Rows() if len(x.shape) == 4 and x.shape[0] == 1 else None
    count = x.count if rows is None else x.count // x.shape[1]
    slopes = _repeated(slope, x.shape, count)
    if slopes is None:
        rows, count = None, x.count
        slopes = _repeated(slope, x.shape, count)
    if slopes is None or x.count < _LEAST_REPEATED * slopes.size:
        return None
    least = type_range(x.dtype)[0]
    values = all_values(x) - zero_of(x)
    below = np.sort(values[values <= 0])
    multiplier, shift = quantize_multiplier(_factors(site.node)[1])
    own, places = np.unique(slopes, return_inverse=True)
    factors = np.asarray((own - zero_of(slope)) * (multiplier / 2.0**31 * 2.0**shift), np.float64)
    wanted = scaled(site.node, (below + zero_of(x))[None, :], own[:, None])
    lines = fit_lines(below, factors, np.clip(wanted - least, 0, 255))
    if lines is None:
        return None
    above = _above(site.node)
    entries = ((above - above.min()) << BITS) + (UNIT * np.minimum(values, 0) & 0xFFFF)
    ordered = np.stack(lines, axis=1)[places].reshape(-1, 4, 2)[:, [0, 2, 1, 3]]
    weights = {"entries": entries.astype(np.int32), "lines": ordered.astype(np.int32)}
    repeats = count // slopes.size
    call = CCall(
        "xn_prelu_lines",
        (Input(0), *map(Constant, weights), Output()),
        {"count": repeats if rows is None else RowCount.times(repeats), "slopes": slopes.size},
        dtype=x.dtype,
    )
    return site.call(
        *("prelu/prelu_lines_dsp.c", call),
        weights=weights,
        in_place=(0,),
        macs=x.count,
        rows=rows,
    )


def _repeated(slope: Tensor, shape: tuple[int, ...], count: int) -> Ints | None:
    """Repeat constant slopes of the last dimensions until they fill whole words.

    Returns:
        None if they are of other dimensions, or do not divide `count` values.
    """
    own = np.trim_zeros(np.array(slope.shape) - 1, "f") + 1
    if slope.data is None or tuple(own) != shape[len(shape) - own.size :]:
        return None
    slopes = slope.data.reshape(-1).astype(np.int64)
    for step, least in ((8, 32), (8, 8), (4, 4)):
        for times in range(1, least + 1):
            size = times * slopes.size
            if size % step == 0 and size >= least and count % size == 0:
                return np.tile(slopes, times)
    return None


def _above(node: Node) -> Ints:
    """Compute the results of all values, those below zero as that of zero."""
    x, slope = node.inputs
    found = scaled(node, np.maximum(all_values(x), zero_of(x)), np.array([zero_of(slope)]))
    return np.clip(found, *type_range(node.output.dtype))


def scaled(node: Node, values: Ints, slopes: Ints) -> Ints:
    """Rescale stored values, those below zero times their slopes, not yet clamped."""
    up, below = (quantize_multiplier(factor) for factor in _factors(node))
    x, slope = values - zero_of(node.inputs[0]), slopes - zero_of(node.inputs[1])
    low = multiply_by_quantized_multiplier(x * slope, *below)
    return np.where(x >= 0, multiply_by_quantized_multiplier(x, *up), low) + zero_of(node.output)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Scale what is below zero."""
    x, slope = inputs
    if x.dtype == np.float32:
        return np.asarray(np.where(x >= 0, x, x * slope), np.float32)
    found = scaled(node, x.astype(np.int64), slope.astype(np.int64))
    return np.clip(found, *type_range(node.output.dtype)).astype(node.output.dtype)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph whose slopes are of each channel, of all or of every value."""
    b = GraphBuilder()
    shape = [int(v) for v in rng.integers(1, 7, int(rng.integers(1, 5)))]
    kind = rng.random()
    slopes = [d if i == len(shape) - 1 or kind < 0.2 else 1 for i, d in enumerate(shape)]
    slopes = [1] * len(shape) if kind > 0.8 else slopes
    slope_dtype = "int8" if dtype == "int16" else dtype
    source, quant = random_quant(rng, dtype), random_quant(rng, slope_dtype, 0.5)
    if quant is not None:
        quant = Quant((quant.scale[0] / 8,), quant.zero_point)
    x = b.input(*shape, dtype=dtype, quant=source)
    if rng.random() < 0.8:
        slope = b.constant(random_input(rng, slopes, slope_dtype), slope_dtype, quant)
    else:
        slope = b.input(*slopes, dtype=slope_dtype, quant=quant)
    y = b.tensor(*shape, dtype=dtype, quant=random_quant(rng, dtype))
    return b.graph(b.op("PRELU", (x, slope), y))


OPERATORS = (
    Operator(
        kind="PRELU",
        operands=(Operand("input", ARITHMETIC_16), Operand("slopes", ARITHMETIC)),
        output=ARITHMETIC_16,
        rules=(slope_types, one_scale, kept_shape, _FACTORS),
        shape=stretched_shapes,
        kernels=(Kernel(lower_prelu),),
        evaluate=evaluate,
        version=1,
        samples=samples(sample, ARITHMETIC_16),
    ),
)
