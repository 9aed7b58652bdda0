"""ADD and SUB."""

from __future__ import annotations

from functools import partial

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.affine import fit_plane
from relocatable.ops._shared.broadcast import (
    BINARY_RULES,
    binary_sample,
    broadcast_call,
    stretched_shapes,
)
from relocatable.ops._shared.common_scales import CommonScales, common_scale
from relocatable.ops._shared.factors import factors_below
from relocatable.ops._shared.fixed_point import (
    Ints,
    multiply_by_quantized_multiplier,
    output_clamp,
    quantized_clamp,
    scale_of,
    zero_of,
)
from relocatable.ops._shared.plain import plain_call, plain_clamp
from relocatable.ops._shared.table import all_values
from relocatable.ops._shared.types import INTEGERS, NUMBERS
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Options, Rng, Sample, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CValue
from relocatable.steps.kernel_call import KernelCall


def lower_add(site: Site, sign: int) -> KernelCall:
    """Lower a sum or difference; bytes by a plane if any."""
    if site.output.dtype in INTEGERS:
        return plain_call(site, "xn_clamped_add" if sign == 1 else "xn_clamped_sub")
    low, high = output_clamp(site.activation, site.output)
    params: dict[str, CValue] = {"low": low, "high": high}
    if site.is_float:
        return broadcast_call(site, "add/add.c", "xn_add", {"sign": float(sign), **params})
    a, b, y = site.input(0), site.input(1), site.output
    sums = _integer_sum(site.node, all_values(a)[:, None], all_values(b)[None, :], sign)
    real = (float(scale_of(a) / scale_of(y)), sign * float(scale_of(b) / scale_of(y)))
    plane = fit_plane(
        (all_values(a), all_values(b)), real, sums, quantized_clamp(site.activation, y)
    )
    if plane is not None:
        params |= {
            "a_factor": plane.a_factor,
            "b_factor": plane.b_factor,
            "round": plane.round,
            "shift": plane.shift,
        }
        return broadcast_call(site, "add/add.c", "xn_add_affine", params)
    scales = CommonScales.of(site.node, _out_factor(site.node))
    params |= {
        "sign": sign,
        "a_zero": zero_of(a),
        "b_zero": zero_of(b),
        "out_zero": zero_of(y),
        "a_multiplier": scales.a[0],
        "a_shift": scales.a[1],
        "b_multiplier": scales.b[0],
        "b_shift": scales.b[1],
        "out_multiplier": scales.out[0],
        "out_shift": scales.out[1],
    }
    return broadcast_call(site, "add/add.c", "xn_add", params)


def evaluate(node: Node, inputs: list[Array], sign: int) -> Array:
    """Add or subtract, and rescale integers of 8 bits."""
    if node.output.dtype in INTEGERS:
        plain = inputs[0] + inputs[1] if sign == 1 else inputs[0] - inputs[1]
        return np.asarray(np.clip(plain, *plain_clamp(node.activation, node.output.dtype)))
    low, high = output_clamp(node.activation, node.output)
    if node.output.dtype == "float32":
        return np.asarray(np.clip(inputs[0] + sign * inputs[1], low, high), np.float32)
    a, b = (x.astype(np.int64) for x in inputs)
    return np.clip(_integer_sum(node, a, b, sign), low, high).astype(node.output.dtype)


def _integer_sum(node: Node, a: Ints, b: Ints, sign: int) -> Ints:
    """Compute LiteRT's sum or difference of stored values, not yet clamped."""
    scales = CommonScales.of(node, _out_factor(node))
    first = multiply_by_quantized_multiplier((a - zero_of(node.inputs[0])) << 20, *scales.a)
    second = multiply_by_quantized_multiplier((b - zero_of(node.inputs[1])) << 20, *scales.b)
    found = multiply_by_quantized_multiplier(first + sign * second, *scales.out)
    return found + zero_of(node.output)


def _out_factor(node: Node) -> float:
    return common_scale(node) / float(np.float32(1 << 20) * scale_of(node.output))


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        return binary_sample(rng, kind, dtype)

    return sample


def _factors(node: Node) -> list[float]:
    return [2 * float(scale_of(x)) / float(scale_of(node.output)) for x in node.inputs]


_FACTORS = factors_below(20, "twice an input's scale over the output's", _factors)
# LiteRT multiplies it by 2^20 in single precision.
_OUTPUT = factors_below(100, "the output's scale", lambda node: [scale_of(node.output)])

OPERATORS = tuple(
    Operator(
        kind=kind,
        options=Options(table, ("fused_activation_function",)),
        operands=(Operand("first input", NUMBERS), Operand("second input", NUMBERS)),
        output=NUMBERS,
        rules=(*BINARY_RULES, _FACTORS, _OUTPUT),
        shape=stretched_shapes,
        evaluate=partial(evaluate, sign=sign),
        folds="constants",
        kernels=(Kernel(partial(lower_add, sign=sign)),),
        samples=samples(_sample(kind), NUMBERS),
    )
    for kind, table, sign in (("ADD", "AddOptions", 1), ("SUB", "SubOptions", -1))
)
