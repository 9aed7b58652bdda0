"""MUL."""

from __future__ import annotations

from relocatable.graph.graph import Graph
from relocatable.ops._shared.broadcast import (
    BINARY_RULES,
    binary_sample,
    broadcast_call,
    stretched_shapes,
)
from relocatable.ops._shared.fixed_point import (
    output_clamp,
    quantize_multiplier,
    scale_of,
    zero_of,
)
from relocatable.ops._shared.types import ARITHMETIC
from relocatable.ops.operator import Kernel, Operand, Operator, Options, Rng, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CValue
from relocatable.steps.kernel_call import KernelCall


def lower_mul(site: Site) -> KernelCall:
    """Lower a product of int8, uint8 or float32."""
    low, high = output_clamp(site.activation, site.output)
    params: dict[str, CValue] = {"low": low, "high": high}
    if site.is_float:
        return broadcast_call(site, "mul/mul.c", "xn_mul", params)
    a, b, y = site.input(0), site.input(1), site.output
    # LiteRT computes this one in single precision.
    multiplier, shift = quantize_multiplier(float(scale_of(a) * scale_of(b) / scale_of(y)))
    params |= {
        "a_zero": zero_of(a),
        "b_zero": zero_of(b),
        "out_zero": zero_of(y),
        "multiplier": multiplier,
        "shift": shift,
    }
    return broadcast_call(site, "mul/mul.c", "xn_mul", params)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one product."""
    return binary_sample(rng, "MUL", dtype)


OPERATORS = (
    Operator(
        kind="MUL",
        options=Options("MulOptions", ("fused_activation_function",)),
        operands=(Operand("first input", ARITHMETIC), Operand("second input", ARITHMETIC)),
        output=ARITHMETIC,
        rules=BINARY_RULES,
        shape=stretched_shapes,
        kernels=(Kernel(lower_mul),),
        samples=samples(sample, ARITHMETIC),
    ),
)
