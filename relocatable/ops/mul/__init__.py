"""MUL."""

from __future__ import annotations

import numpy as np

from relocatable.graph.graph import Graph, Tensor
from relocatable.ops._shared.broadcast import (
    BINARY_RULES,
    binary_sample,
    broadcast_call,
    stretched_shapes,
)
from relocatable.ops._shared.factors import factors_below
from relocatable.ops._shared.fixed_point import (
    MOST_RIGHT,
    multiply_by_quantized_multiplier,
    output_clamp,
    quantize_multiplier,
    scale_of,
    zero_of,
)
from relocatable.ops._shared.plain import plain_call, plain_clamp
from relocatable.ops._shared.types import INTEGERS, NUMBERS
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Options, Rng, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CValue
from relocatable.steps.kernel_call import KernelCall
from relocatable.targets.arm import DSP, MVE_I


def _of_bytes(site: Site) -> bool:
    return site.output.dtype in ("int8", "uint8")


def _byte_params(site: Site) -> dict[str, CValue]:
    a, b, y = site.input(0), site.input(1), site.output
    low, high = output_clamp(site.activation, y)
    return {
        "low": low,
        "high": high,
        "a_zero": zero_of(a),
        "b_zero": zero_of(b),
        "out_zero": zero_of(y),
        "multiplier": _multiplier(a, b, y)[0],
    }


def lower_mve(site: Site) -> KernelCall:
    """Lower a product of bytes for Helium."""
    _, shift = _multiplier(site.input(0), site.input(1), site.output)
    params = {**_byte_params(site), "shift": shift}
    return broadcast_call(site, "mul/mul_mve.c", "xn_mul_mve", params)


def lower_dsp(site: Site) -> KernelCall | None:
    """Lower a product of bytes for the DSP extension, if results are shifted right."""
    _, shift = _multiplier(site.input(0), site.input(1), site.output)
    if not -MOST_RIGHT <= shift <= -1:
        return None
    params = {**_byte_params(site), "right": -shift}
    return broadcast_call(site, "mul/mul_dsp.c", "xn_mul_dsp", params)


def lower_mul(site: Site) -> KernelCall:
    """Lower a product."""
    if site.output.dtype in INTEGERS:
        return plain_call(site, "xn_clamped_mul")
    low, high = output_clamp(site.activation, site.output)
    params: dict[str, CValue] = {"low": low, "high": high}
    if site.is_float:
        return broadcast_call(site, "mul/mul.c", "xn_mul", params)
    a, b, y = site.input(0), site.input(1), site.output
    multiplier, shift = _multiplier(a, b, y)
    params |= {
        "a_zero": zero_of(a),
        "b_zero": zero_of(b),
        "out_zero": zero_of(y),
        "multiplier": multiplier,
        "shift": shift,
    }
    return broadcast_call(site, "mul/mul.c", "xn_mul", params)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Multiply, and rescale integers of 8 and 16 bits."""
    if node.output.dtype in INTEGERS:
        limits = plain_clamp(node.activation, node.output.dtype)
        return np.asarray(np.clip(inputs[0] * inputs[1], *limits))
    (a, b), y = node.inputs, node.output
    low, high = output_clamp(node.activation, y)
    if y.dtype == "float32":
        return np.asarray(np.clip(inputs[0] * inputs[1], low, high), np.float32)
    first, second = (x.astype(np.int64) - zero_of(t) for x, t in zip(inputs, (a, b), strict=True))
    scaled = multiply_by_quantized_multiplier(first * second, *_multiplier(a, b, y)) + zero_of(y)
    return np.clip(scaled, low, high).astype(y.dtype)


def _multiplier(a: Tensor, b: Tensor, y: Tensor) -> tuple[int, int]:
    """Find the factor of the product, which LiteRT computes in single precision."""
    return quantize_multiplier(float(scale_of(a) * scale_of(b) / scale_of(y)))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one product."""
    return binary_sample(rng, "MUL", dtype)


def _factor(node: Node) -> list[np.float32]:
    (a, b), y = node.inputs, node.output
    return [scale_of(a) * scale_of(b) / scale_of(y)]


_FACTOR = factors_below(30, "the product of the inputs' scales over the output's", _factor)


def zero_product(node: Node) -> Array | None:
    """Find the product with a constant of zeros; None if there is none.

    Such a constant may lack a scale: in cells of unrolled LSTMs it is the state before the first
    time.
    """
    y = node.output
    shapes = [t.shape for t in node.inputs]
    is_plain = len(shapes) == 2 and {t.dtype for t in (*node.inputs, y)} == {y.dtype}
    has_zeros = y.quant is not None and all(
        t.quant is None or t.quant.axis is None for t in (*node.inputs, y)
    )
    if not is_plain or not has_zeros or y.dtype not in ("int8", "uint8", "int16"):
        return None
    zero = [t.data is not None and bool(np.all(t.data == _zero(t))) for t in node.inputs]
    try:
        fits = np.broadcast_shapes(*shapes) == y.shape
    except ValueError:
        return None
    return np.full(y.shape, _zero(y), y.dtype) if any(zero) and fits else None


def _zero(tensor: Tensor) -> int:
    return 0 if tensor.quant is None else zero_of(tensor)


OPERATORS = (
    Operator(
        kind="MUL",
        options=Options("MulOptions", ("fused_activation_function",)),
        operands=(Operand("first input", NUMBERS), Operand("second input", NUMBERS)),
        output=NUMBERS,
        rules=(*BINARY_RULES, _FACTOR),
        shape=stretched_shapes,
        evaluate=evaluate,
        folds="constants",
        known=zero_product,
        kernels=(
            Kernel(lower_mve, needs=(MVE_I,), takes=_of_bytes),
            Kernel(lower_dsp, needs=(DSP,), without=(MVE_I,), takes=_of_bytes),
            Kernel(lower_mul),
        ),
        samples=samples(sample, NUMBERS),
    ),
)
