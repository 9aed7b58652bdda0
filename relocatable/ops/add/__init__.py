"""ADD and SUB."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.affine import Plane, fit_plane
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
    rounding_divide_by_pot,
    scale_of,
    whole_log2,
    zero_of,
)
from relocatable.ops._shared.plain import plain_call, plain_clamp
from relocatable.ops._shared.table import all_values
from relocatable.ops._shared.types import INTEGERS, NUMBERS
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Sample,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CValue
from relocatable.steps.kernel_call import KernelCall


def lower_add(site: Site, sign: int) -> KernelCall:
    """Lower a sum or difference: by shifts, by a plane of bytes, or in general."""
    if site.output.dtype in INTEGERS:
        return plain_call(site, "xn_clamped_add" if sign == 1 else "xn_clamped_sub")
    low, high = output_clamp(site.activation, site.output)
    params: dict[str, CValue] = {"low": low, "high": high}
    if site.is_float:
        return broadcast_call(site, "add/add.c", "xn_add", {"sign": float(sign), **params})
    shifts = power_shifts(site.node)
    if shifts is not None:
        fields = {"sign": sign, "a_shift": shifts[0], "b_shift": shifts[1], **params}
        return broadcast_call(site, "add/add.c", "xn_add_shifted", fields)
    plane = None if site.output.dtype == "int16" else _plane(site, sign)
    if plane is not None:
        params |= {
            "a_factor": plane.a_factor,
            "b_factor": plane.b_factor,
            "round": plane.round,
            "shift": plane.shift,
        }
        return broadcast_call(site, "add/add.c", "xn_add_affine", params)
    a, b, y = site.input(0), site.input(1), site.output
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


def _plane(site: Site, sign: int) -> Plane | None:
    """Find a plane that is the sum or difference of bytes."""
    a, b, y = site.input(0), site.input(1), site.output
    sums = _integer_sum(site.node, all_values(a)[:, None], all_values(b)[None, :], sign)
    real = (float(scale_of(a) / scale_of(y)), sign * float(scale_of(b) / scale_of(y)))
    clamp = quantized_clamp(site.activation, y)
    return fit_plane((all_values(a), all_values(b)), real, sums, clamp)


def power_shifts(node: Node) -> tuple[int, int] | None:
    """Find the right shifts of 16-bit inputs to the output's scale.

    None if one of the scales is no power of two, or does not count as one.
    """
    if node.output.dtype != "int16" or not node.op.attrs.get("pot_scale_int16", True):
        return None
    a, b, y = (whole_log2(scale_of(t)) for t in (*node.inputs, node.output))
    return None if a is None or b is None or y is None else (y - a, y - b)


def powers_fit(node: Node) -> Seen:
    """16-bit tensors whose scales are powers of two must, unless pot_scale_int16 is false, have one
    input of the output's scale and the other's 1 to 2^-15 of it, and for ADD one shape"""
    shifts = power_shifts(node)
    if shifts is None:
        return True, ""
    shapes = {t.shape for t in node.inputs}
    ok = min(shifts) == 0 and max(shifts) <= 15 and (len(shapes) == 1 or node.op.kind == "SUB")
    return ok, f"shifts {shifts} of {', '.join(str(list(s)) for s in shapes)}"


def evaluate(node: Node, inputs: list[Array], sign: int) -> Array:
    """Add or subtract, and rescale integers of 8 and 16 bits."""
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
    shifts = power_shifts(node)
    if shifts is not None:
        return rounding_divide_by_pot(a, shifts[0]) + sign * rounding_divide_by_pot(b, shifts[1])
    lift, scales = _lift(node), CommonScales.of(node, _out_factor(node))
    first = multiply_by_quantized_multiplier((a - zero_of(node.inputs[0])) << lift, *scales.a)
    second = multiply_by_quantized_multiplier((b - zero_of(node.inputs[1])) << lift, *scales.b)
    found = multiply_by_quantized_multiplier(first + sign * second, *scales.out)
    return found + zero_of(node.output)


def _out_factor(node: Node) -> float:
    return common_scale(node) / float(np.float32(1 << _lift(node)) * scale_of(node.output))


def _lift(node: Node) -> int:
    """Tell by which power of two values are raised before they are scaled."""
    return 15 if node.output.dtype == "int16" else 20


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        if dtype != "int16":
            return binary_sample(rng, kind, dtype, pot_scale_int16=True)
        graph = binary_sample(rng, kind, dtype, pot_scale_int16=bool(rng.random() < 0.7))
        return _with_powers(rng, graph) if rng.random() < 0.5 else graph

    return sample


def _with_powers(rng: Rng, graph: Graph) -> Graph:
    """Give a graph's tensors powers of two as scales; those of ADD one shape."""
    [op] = graph.ops
    shift, place = int(rng.integers(0, 16)), int(rng.integers(0, 2))
    powers = {op.inputs[place]: -9, op.inputs[1 - place]: -9 - shift, op.outputs[0]: -9}
    tensors = list(graph.tensors)
    for i, power in powers.items():
        shape = tensors[op.outputs[0]].shape if op.kind == "ADD" else tensors[i].shape
        data = tensors[i].data
        data = None if data is None else np.resize(data, shape)
        tensors[i] = replace(tensors[i], quant=Quant((2.0**power,), (0,)), shape=shape, data=data)
    return replace(graph, tensors=tuple(tensors))


def lifted_scales(node: Node) -> Seen:
    """twice an input's scale over the output's must be below 2^20 for 8-bit values, and below 2^15
    for 16-bit ones"""
    if not node.quantized:
        return True, ""
    largest = common_scale(node) / float(scale_of(node.output))
    return largest < 2.0 ** _lift(node), f"{largest:g}"


# LiteRT multiplies it by 2^20 in single precision.
_OUTPUT = factors_below(100, "the output's scale", lambda node: [scale_of(node.output)])

OPERATORS = tuple(
    Operator(
        kind=kind,
        options=Options(table, ("fused_activation_function", "pot_scale_int16")),
        operands=(Operand("first input", NUMBERS), Operand("second input", NUMBERS)),
        output=NUMBERS,
        rules=(*BINARY_RULES, lifted_scales, powers_fit, _OUTPUT),
        shape=stretched_shapes,
        evaluate=partial(evaluate, sign=sign),
        folds="constants",
        kernels=(Kernel(partial(lower_add, sign=sign)),),
        samples=samples(_sample(kind), NUMBERS),
    )
    for kind, table, sign in (("ADD", "AddOptions", 1), ("SUB", "SubOptions", -1))
)
