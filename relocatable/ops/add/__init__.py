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
from relocatable.ops._shared.fixed_point import (
    multiply_by_quantized_multiplier,
    output_clamp,
    quantize_multiplier,
    quantized_clamp,
    scale_of,
    zero_of,
)
from relocatable.ops._shared.table import all_values
from relocatable.ops._shared.types import ARITHMETIC
from relocatable.ops.operator import Kernel, Operand, Operator, Options, Rng, Sample, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CValue
from relocatable.steps.kernel_call import KernelCall


def lower_add(site: Site, sign: int) -> KernelCall:
    """Lower a sum or a difference of int8, uint8 or float32: of bytes by a plane, if one fits."""
    low, high = output_clamp(site.activation, site.output)
    params: dict[str, CValue] = {"low": low, "high": high}
    if site.is_float:
        return broadcast_call(site, "add/add.c", "xn_add", {"sign": float(sign), **params})
    a, b, y = site.input(0), site.input(1), site.output
    twice_max = 2 * float(max(scale_of(a), scale_of(b)))
    a_multiplier, a_shift = quantize_multiplier(float(scale_of(a)) / twice_max)
    b_multiplier, b_shift = quantize_multiplier(float(scale_of(b)) / twice_max)
    out_real = twice_max / float(np.float32(1 << 20) * scale_of(y))
    out_multiplier, out_shift = quantize_multiplier(out_real)
    values_a, values_b = all_values(a) - zero_of(a), all_values(b) - zero_of(b)
    scaled_a = multiply_by_quantized_multiplier(values_a << 20, a_multiplier, a_shift)[:, None]
    scaled_b = multiply_by_quantized_multiplier(values_b << 20, b_multiplier, b_shift)[None, :]
    sums = multiply_by_quantized_multiplier(
        scaled_a + sign * scaled_b, out_multiplier, out_shift
    ) + zero_of(y)
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
    params |= {
        "sign": sign,
        "a_zero": zero_of(a),
        "b_zero": zero_of(b),
        "out_zero": zero_of(y),
        "a_multiplier": a_multiplier,
        "a_shift": a_shift,
        "b_multiplier": b_multiplier,
        "b_shift": b_shift,
        "out_multiplier": out_multiplier,
        "out_shift": out_shift,
    }
    return broadcast_call(site, "add/add.c", "xn_add", params)


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        return binary_sample(rng, kind, dtype)

    return sample


OPERATORS = tuple(
    Operator(
        kind=kind,
        options=Options(table, ("fused_activation_function",)),
        operands=(Operand("first input", ARITHMETIC), Operand("second input", ARITHMETIC)),
        output=ARITHMETIC,
        rules=BINARY_RULES,
        shape=stretched_shapes,
        kernels=(Kernel(partial(lower_add, sign=sign)),),
        samples=samples(_sample(kind), ARITHMETIC),
    )
    for kind, table, sign in (("ADD", "AddOptions", 1), ("SUB", "SubOptions", -1))
)
