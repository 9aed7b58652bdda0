"""L2_NORMALIZATION."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.fixed_point import (
    INT32_MAX,
    INT32_MIN,
    Ints,
    multiply_by_quantized_multiplier,
    rounding_divide_by_pot,
    saturating_doubling_high_mul,
    type_range,
    zero_of,
)
from relocatable.ops._shared.layer_meaning import sum_in_order
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import ARITHMETIC, exact_scale, kept_type, one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_ZEROS = {"int8": 0, "uint8": 128}
_HALF_ROOT_2 = 1518500250  # in 31 fraction bits


def unit_scale(node: Node) -> Seen:
    """an output of 8 bits must have scale 1/128 and zero point 0 (uint8: 128)"""
    return exact_scale(node.output, 1 / 128, _ZEROS)


def no_activation(node: Node) -> Seen:
    """fused activation must be NONE"""
    return node.activation == "NONE", node.activation


def row_length(node: Node) -> Seen:
    """input must have at least one dimension, the last of at most 32768 for 8-bit values"""
    shape = node.inputs[0].shape
    ok = len(shape) > 0 and (not node.quantized or shape[-1] <= 1 << 15)
    return ok, str(list(shape))


def lower_norm(site: Site) -> KernelCall:
    """Lower a normalisation of int8, uint8 or float32."""
    x = site.input(0)
    params: dict[str, CValue] = {"rows": x.count // x.shape[-1], "depth": x.shape[-1]}
    if not site.is_float:
        params["in_zero"] = zero_of(x)
    call = CCall("xn_l2_normalization", (Input(0), Output()), params, dtype=x.dtype)
    return site.call("l2_normalization/l2_normalization.c", call, in_place=(0,), macs=x.count)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Divide rows by the roots of their sums of squares; integers in fixed point."""
    x, y = inputs[0], node.output
    if y.dtype == "float32":
        roots = np.sqrt(sum_in_order(x * x))[..., None]
        return np.asarray(x / np.maximum(roots, np.float32(1e-6)), np.float32)
    real = x.astype(np.int64) - zero_of(node.inputs[0])
    rows = real.reshape(-1, real.shape[-1])
    found = np.stack([_normalized(row, y.dtype) for row in rows]).reshape(y.shape)
    return np.clip(found, *type_range(y.dtype)).astype(y.dtype)


def _normalized(row: Ints, dtype: str) -> Ints:
    multiplier, right = _reciprocal_root(int((row * row).sum()))
    if dtype == "int8":
        return multiply_by_quantized_multiplier(row, multiplier, 7 - right)
    return 128 + multiply_by_quantized_multiplier(128 * row, multiplier, -right)


def _reciprocal_root(total: int) -> tuple[int, int]:
    """Compute LiteRT's 1 / sqrt(total) as a multiplier and a right shift."""
    if total <= 1:
        return INT32_MAX, 0
    right = 11
    while total >= 1 << 29:
        total //= 4
        right += 1
    pairs = (31 - total.bit_length()) // 2 - 1
    right -= pairs
    half = int(rounding_divide_by_pot(np.asarray(total << (2 * pairs) >> 1), 1))
    x = 1 << 28
    for _ in range(5):
        cube = _shift(_times(_times(x, x), x), 6)
        x = _shift(_times((1 << 28) + (1 << 27), x) - _times(half, cube), 3)
    return _times(x, _HALF_ROOT_2) << max(0, -right), max(0, right)


def _times(a: int, b: int) -> int:
    return int(saturating_doubling_high_mul(np.asarray(a), b))


def _shift(x: int, n: int) -> int:
    return max(INT32_MIN, min(INT32_MAX, x << n))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph with rows of up to 300 values."""
    rank = int(rng.integers(1, 5))
    shape = [int(v) for v in rng.integers(1, 6, rank)]
    shape[-1] = int(rng.choice([1, 2, 3, 10, 100, 300]))
    b = GraphBuilder()
    x = b.input(*shape, dtype=dtype, quant=random_quant(rng, dtype))
    quant = Quant((1 / 128,), (_ZEROS.get(dtype, 0),))
    y = b.tensor(*shape, dtype=dtype, quant=quant)
    return b.graph(b.op("L2_NORMALIZATION", (x,), y, fused_activation_function="NONE"))


OPERATORS = (
    Operator(
        kind="L2_NORMALIZATION",
        options=Options("L2NormOptions", ("fused_activation_function",)),
        operands=(Operand("input", ARITHMETIC),),
        output=ARITHMETIC,
        rules=(kept_type, one_scale, row_length, unit_scale, no_activation),
        shape=kept_shape,
        kernels=(Kernel(lower_norm),),
        evaluate=evaluate,
        samples=samples(sample, ARITHMETIC),
    ),
)
