"""SOFTMAX."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.fixed_point import (
    INT32_MAX,
    Ints,
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    reciprocal,
    rounding_divide_by_pot,
    saturating_doubling_high_mul,
    scale_of,
    type_range,
)
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.table import line_ends_between, on_lines
from relocatable.ops._shared.types import (
    ARITHMETIC_16,
    UNIT_16,
    has_one_scale,
    one_scale,
    probability_scale,
    quant_text,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Options, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_INT16_MAX = (1 << 15) - 1
_DIFFERENCE_BITS = 5  # integer bits of a scaled difference


def lower_softmax(site: Site) -> KernelCall:
    """Lower SOFTMAX along the last dimension."""
    depth = site.input(0).shape[-1]
    rows = site.input(0).count // depth
    if site.input(0).dtype == "int16":
        return _lower_lines(site, {"rows": rows, "depth": depth})
    if site.is_float:
        params: dict[str, CValue] = {"rows": rows, "depth": depth, "beta": site.float_attr("beta")}
        call = CCall("xn_softmax", (Input(0), Output()), params, dtype="float32")
        return site.call("softmax/softmax.c", call, in_place=(0,))
    table = exp_table(site.float_attr("beta"), float(scale_of(site.input(0))))
    params = {"rows": rows, "depth": depth, "table_count": len(table)}
    arguments = (Input(0), Constant("table"), Output())
    is_wide = site.output.dtype == "int16"
    name = "xn_softmax_to_16" if is_wide else "xn_softmax"
    call = CCall(name, arguments, params, "xn_softmax_params", site.input(0).dtype)
    in_place = () if is_wide else (0,)
    return site.call("softmax/softmax.c", call, weights={"table": table}, in_place=in_place)


def _lower_lines(site: Site, params: dict[str, CValue]) -> KernelCall:
    multiplier, shift = _line_multiplier(site.node)
    powers, reciprocals = _lines()
    call = CCall(
        "xn_softmax",
        (Input(0), Constant("powers"), Constant("reciprocals"), Output()),
        {**params, "multiplier": multiplier, "shift": shift},
        dtype="int16",
    )
    weights = {"powers": powers.astype(np.int16), "reciprocals": reciprocals.astype(np.int16)}
    return site.call("softmax/softmax.c", call, weights=weights, in_place=(0,))


def _line_multiplier(node: Node) -> tuple[int, int]:
    """Find the factor of a difference to places of the line of powers."""
    return quantize_multiplier(_line_factor(node))


def _line_factor(node: Node) -> float:
    product = scale_of(node.inputs[0]) * np.float32(node.number("beta"))
    return float(product) / (10.0 / 65535.0)


def _lines() -> tuple[Ints, Ints]:
    """Compute LiteRT's lines of e^x in [-10, 0] and of 1 / (1 + x) in [0, 1]."""
    step, height = 10.0 / 65535, np.float64(2.0 / 65535 * 32767 + 2.0 / 65535 * 32768)
    powers = line_ends_between((np.float64(step * -65535), np.float64(0)), height, np.exp)
    ends = np.float64(0), np.float64(1.0 / 65535 * 65535)
    return powers, line_ends_between(ends, height, lambda x: 1 / (1 + x))


def _evaluate_lines(node: Node, x: Ints) -> Ints:
    """Divide e^x by the sum of a row, both on lines; 15 fraction bits."""
    powers_line, reciprocals_line = _lines()
    differences = x - x.max(axis=-1, keepdims=True)
    places = multiply_by_quantized_multiplier(differences, *_line_multiplier(node)) + _INT16_MAX
    powers = on_lines(powers_line, np.clip(places, -_INT16_MAX - 1, _INT16_MAX))
    sums = powers.sum(axis=-1, keepdims=True)
    headroom = 31 - np.floor(np.log2(sums)).astype(np.int64)
    place = (((sums << (headroom - 1)) + (1 << 13)) >> 14) - (1 << 15) - (1 << 16)
    parts = powers * on_lines(reciprocals_line, np.clip(place, -_INT16_MAX - 1, _INT16_MAX))
    right = 31 - headroom
    found: Ints = np.clip((parts + (1 << (right - 1))) >> right, 0, _INT16_MAX)
    return found


def exp_table(beta: float, scale: float) -> npt.NDArray[np.int32]:
    """Compute e^(-beta * scale * d) in 31 fraction bits, until LiteRT takes 0."""
    real = min(beta * scale * (1 << (31 - _DIFFERENCE_BITS)), float(INT32_MAX))
    multiplier, shift = quantize_multiplier(real)
    radius = ((1 << _DIFFERENCE_BITS) - 1) * 2 ** (31 - _DIFFERENCE_BITS) / 2**shift
    count = min(256, int(radius) + 1)
    return np.array([_exp_of(-d, multiplier, shift) for d in range(count)], np.int32)


def _exp_of(difference: int, multiplier: int, shift: int) -> int:
    return _exp_on_negative(_times(difference << shift, multiplier))


# e^-2^k in 31 fraction bits, for k = -2 ..
_EXP_OF_POWERS = (
    1672461947,  # e^-1/4
    1302514674,  # e^-1/2
    790015084,  # e^-1
    290630308,  # e^-2
    39332535,  # e^-4
    720401,  # e^-8
    242,  # e^-16
)
_E_EIGHTH = 1895147668  # e^-1/8
_THIRD = 715827883


def _exp_on_negative(x: int) -> int:
    """Compute gemmlowp's exp_on_negative_values: from 5 integer bits to 0."""
    if x == 0:
        return INT32_MAX
    quarter = 1 << (31 - _DIFFERENCE_BITS - 2)
    rest = (x & (quarter - 1)) - quarter  # in [-1/4, 0)
    result = _exp_of_quarter(rest << _DIFFERENCE_BITS)
    whole = rest - x  # the rest in quarters
    for k, factor in enumerate(_EXP_OF_POWERS):
        if whole & (quarter << k):
            result = _times(result, factor)
    return result


def _exp_of_quarter(x: int) -> int:
    """Compute e^x for x in [-1/4, 0): the series around -1/8, 31 fraction bits."""
    x += 1 << 28
    x2 = _times(x, x)
    x3 = _times(x2, x)
    x4 = _times(x2, x2)
    tail = _round_shift(_times(_round_shift(x4, 2) + x3, _THIRD) + x2, 1)
    return _E_EIGHTH + _times(_E_EIGHTH, x + tail)


def _times(a: int, b: int) -> int:
    return int(saturating_doubling_high_mul(np.int64(a), np.int64(b)))  # type: ignore[arg-type]


def _round_shift(x: int, n: int) -> int:
    return int(rounding_divide_by_pot(np.int64(x), n))  # type: ignore[arg-type]


def not_scalar(node: Node) -> Seen:
    """input must have at least one dimension"""
    return len(node.inputs[0].shape) >= 1, str(list(node.inputs[0].shape))


def row_length(node: Node) -> Seen:
    """the last dimension of 16-bit values must be at most 65535"""
    x = node.inputs[0]
    return x.dtype != "int16" or x.shape[-1] <= 65535, str(list(x.shape))


def paired_types(node: Node) -> Seen:
    """input and output must be of one type, or int8 and int16"""
    x, y = node.inputs[0].dtype, node.output.dtype
    return x == y or _is_widening(node), f"{x} -> {y}"


def _is_widening(node: Node) -> bool:
    return (node.inputs[0].dtype, node.output.dtype) == ("int8", "int16")


def own_scales(node: Node) -> Seen:
    """tensors of 8 and 16 bits must have one scale, and a zero point in their range (int16: 0, but
    -32768 if the input is int8)"""
    if not _is_widening(node):
        return one_scale(node)
    return has_one_scale(node.inputs[0]), quant_text(node.inputs[0].quant)


def result_scale(node: Node) -> Seen:
    """an output of 8 bits must have scale 1/256 and zero point -128 (uint8: 0), one of 16 bits
    scale 1/32768, or, of an int8 input, 1/65536 within 0.1 % and zero point -32768"""
    if not _is_widening(node):
        return probability_scale(node)
    quant = node.output.quant
    near = quant is not None and len(quant.scale) == 1 and abs(quant.scale[0] * 65536 - 1) < 1e-3
    return near and quant is not None and quant.zero_point == (-32768,), quant_text(quant)


def positive_beta(node: Node) -> Seen:
    """beta must be finite and above 0"""
    beta = node.number("beta")
    return bool(np.isfinite(beta)) and beta > 0, str(beta)


def exp_scale(node: Node) -> Seen:
    """beta times the scale of an input must be above 2^-26 (8 bits) or at most 2 (16 bits)"""
    if not node.quantized:
        return True, ""
    product = node.number("beta") * float(scale_of(node.inputs[0]))
    ok = product <= 2 if node.inputs[0].dtype == "int16" else product * 2.0**26 > 1
    return ok, f"{product:g}"


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Divide e^x by the sum of a row; integers in gemmlowp's fixed point."""
    x, beta = inputs[0], node.number("beta")
    if x.dtype == np.float32:
        powers = np.exp(beta * (x - x.max(axis=-1, keepdims=True)).astype(np.float64))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)
    if x.dtype == np.int16:
        return _evaluate_lines(node, x.astype(np.int64)).astype(np.int16)
    whole = exp_table(beta, float(scale_of(node.inputs[0])))
    table = np.pad(whole, (0, 256 - len(whole))).astype(np.int64)
    values = x.astype(np.int64)
    powers = table[values.max(axis=-1, keepdims=True) - values]
    sums = rounding_divide_by_pot(powers, 12).sum(axis=-1, keepdims=True)
    headroom = 32 - np.ceil(np.log2(sums + 1.0)).astype(np.int64)
    parts = saturating_doubling_high_mul(reciprocal((sums << headroom) - (1 << 31)), powers)
    low, high = type_range(node.output.dtype)
    bits = np.iinfo(node.output.dtype).bits
    rounded = rounding_divide_by_pot(parts, 12 - headroom + 31 - bits)
    return np.clip(rounded + low, low, high).astype(node.output.dtype)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph with rows of up to 300 values."""
    rank = int(rng.integers(1, 4))
    shape = [int(v) for v in rng.integers(1, 12, rank)]
    shape[-1] = int(rng.choice([1, 2, 3, 10, 100, 300]))
    b = GraphBuilder()
    scale = float(np.float32(np.exp(rng.normal(-3, 1.5))))
    quant = Quant((scale,), (int(rng.integers(0, 100)),))
    result = Quant((1 / 256,), (-128 if dtype == "int8" else 0,))
    if dtype == "int16":
        quant, result = Quant((float(np.float32(scale / 64)),), (0,)), UNIT_16
    to = dtype
    if dtype == "int8" and rng.random() < 0.3:
        to, result = (
            "int16",
            Quant((float(np.float32(rng.choice([65536, 65535]) ** -1.0)),), (-32768,)),
        )
    x = b.input(*shape, dtype=dtype, quant=quant)
    y = b.tensor(*shape, dtype=to, quant=result)
    beta = float(np.float32(rng.choice([1.0, 1.0, 0.5, 3.0])))
    return b.graph(b.op("SOFTMAX", (x,), y, beta=beta))


OPERATORS = (
    Operator(
        kind="SOFTMAX",
        result="distribution",
        options=Options("SoftmaxOptions", ("beta",)),
        operands=(Operand("input", ARITHMETIC_16),),
        output=ARITHMETIC_16,
        rules=(
            *(paired_types, own_scales, not_scalar, row_length, result_scale),
            *(positive_beta, exp_scale),
        ),
        shape=kept_shape,
        evaluate=evaluate,
        kernels=(Kernel(lower_softmax),),
        samples=samples(sample, ARITHMETIC_16),
    ),
)
