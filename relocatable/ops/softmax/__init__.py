"""SOFTMAX."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.fixed_point import (
    INT32_MAX,
    quantize_multiplier,
    rounding_divide_by_pot,
    saturating_doubling_high_mul,
    scale_of,
)
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import ARITHMETIC, kept_type, one_scale, probability_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Kernel, Operand, Operator, Options, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_DIFFERENCE_BITS = 5  # integer bits of a scaled difference


def lower_softmax(site: Site) -> KernelCall:
    """Lower SOFTMAX along the last dimension of int8, uint8 or float32."""
    depth = site.input(0).shape[-1]
    rows = site.input(0).count // depth
    if site.is_float:
        params: dict[str, CValue] = {"rows": rows, "depth": depth, "beta": site.float_attr("beta")}
        call = CCall("xn_softmax", (Input(0), Output()), params, dtype="float32")
        return site.call("softmax/softmax.c", call, in_place=(0,))
    table = exp_table(site.float_attr("beta"), float(scale_of(site.input(0))))
    params = {"rows": rows, "depth": depth, "table_count": len(table)}
    arguments = (Input(0), Constant("table"), Output())
    call = CCall("xn_softmax", arguments, params, dtype=site.output.dtype)
    return site.call("softmax/softmax.c", call, weights={"table": table}, in_place=(0,))


def exp_table(beta: float, scale: float) -> npt.NDArray[np.int32]:
    """Compute e^(-beta * scale * d) in 31 fraction bits for d = 0, 1, .. until LiteRT takes 0."""
    real = min(beta * scale * (1 << (31 - _DIFFERENCE_BITS)), float(INT32_MAX))
    multiplier, shift = quantize_multiplier(real)
    radius = ((1 << _DIFFERENCE_BITS) - 1) * 2 ** (31 - _DIFFERENCE_BITS) / 2**shift
    count = min(256, int(radius) + 1)
    return np.array([_exp_of(-d, multiplier, shift) for d in range(count)], np.int32)


def _exp_of(difference: int, multiplier: int, shift: int) -> int:
    return _exp_on_negative(_high_mul(difference << shift, multiplier))


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
    """gemmlowp's exp_on_negative_values: x <= 0 with 5 integer bits to 0 integer bits."""
    if x == 0:
        return INT32_MAX
    quarter = 1 << (31 - _DIFFERENCE_BITS - 2)
    rest = (x & (quarter - 1)) - quarter  # in [-1/4, 0)
    result = _exp_of_quarter(rest << _DIFFERENCE_BITS)
    whole = rest - x  # the rest in quarters
    for k, factor in enumerate(_EXP_OF_POWERS):
        if whole & (quarter << k):
            result = _high_mul(result, factor)
    return result


def _exp_of_quarter(x: int) -> int:
    """e^x for x in [-1/4, 0): the series around -1/8, 31 fraction bits."""
    x += 1 << 28
    x2 = _high_mul(x, x)
    x3 = _high_mul(x2, x)
    x4 = _high_mul(x2, x2)
    tail = _round_shift(_high_mul(_round_shift(x4, 2) + x3, _THIRD) + x2, 1)
    return _E_EIGHTH + _high_mul(_E_EIGHTH, x + tail)


def _high_mul(a: int, b: int) -> int:
    return int(saturating_doubling_high_mul(np.int64(a), np.int64(b)))  # type: ignore[arg-type]


def _round_shift(x: int, n: int) -> int:
    return int(rounding_divide_by_pot(np.int64(x), n))  # type: ignore[arg-type]


def not_scalar(node: Node) -> Seen:
    """input must have at least one dimension"""
    return len(node.inputs[0].shape) >= 1, str(list(node.inputs[0].shape))


def positive_beta(node: Node) -> Seen:
    """beta must be finite and above 0"""
    beta = node.number("beta")
    return bool(np.isfinite(beta)) and beta > 0, str(beta)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph with rows of up to 300 values."""
    rank = int(rng.integers(1, 4))
    shape = [int(v) for v in rng.integers(1, 12, rank)]
    shape[-1] = int(rng.choice([1, 2, 3, 10, 100, 300]))
    b = GraphBuilder()
    scale = float(np.float32(np.exp(rng.normal(-3, 1.5))))
    x = b.input(*shape, dtype=dtype, quant=Quant((scale,), (int(rng.integers(0, 100)),)))
    zero = -128 if dtype == "int8" else 0
    y = b.tensor(*shape, dtype=dtype, quant=Quant((1 / 256,), (zero,)))
    beta = float(np.float32(rng.choice([1.0, 1.0, 0.5, 3.0])))
    return b.graph(b.op("SOFTMAX", (x,), y, beta=beta))


OPERATORS = (
    Operator(
        kind="SOFTMAX",
        options=Options("SoftmaxOptions", ("beta",)),
        operands=(Operand("input", ARITHMETIC),),
        output=ARITHMETIC,
        rules=(kept_type, one_scale, not_scalar, probability_scale, positive_beta),
        shape=kept_shape,
        kernels=(Kernel(lower_softmax),),
        samples=samples(sample, ARITHMETIC),
    ),
)
