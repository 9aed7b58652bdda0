"""What functions of one value share: rules, kernels, meaning, samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.ops._shared.fixed_point import Ints, round_away_f32, scale_of, type_range, zero_of
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.sigmoid_16 import line_scale, lower_sigmoid, sigmoid_16
from relocatable.ops._shared.table import all_values, lower_table
from relocatable.ops._shared.types import ARITHMETIC_16, UNIT_16, kept_type, one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Rule, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Name, Output
from relocatable.steps.kernel_call import KernelCall

Floats = npt.NDArray[np.float32]
# What the function makes of stored values, as integers that are not yet clamped.
Table = Callable[[Node, Ints], Ints]

UNARY_RULES = (kept_type, one_scale)


def lower_unary(site: Site, function: str, params: dict[str, CValue], table: Table) -> KernelCall:
    """Make the call: for floats a function of unary.c, for 8-bit values a table."""
    if not site.is_float:
        return lower_table(site, table(site.node, all_values(site.input(0))))
    fields: dict[str, CValue] = {"function": Name(function), "count": site.count, **params}
    call = CCall("xn_unary_f32", (Input(0), Output()), fields)
    return site.call("_shared/unary.c", call, in_place=(0,), rows=site.value_rows)


def evaluate_unary(node: Node, x: Array, table: Table, function: Callable[[Array], Array]) -> Array:
    """Compute the function in NumPy, of floats or of stored values."""
    if x.dtype == np.float32:
        return function(x).astype(np.float32)
    values = table(node, x.astype(np.int64))
    return np.clip(values, *type_range(node.output.dtype)).astype(node.output.dtype)


def real_table(node: Node, values: Ints, function: Callable[[Floats], Floats]) -> Ints:
    """Compute a real function of 8-bit values in LiteRT's single precision."""
    x, y = node.inputs[0], node.output
    with np.errstate(over="ignore"):
        inverse = np.float32(1) / scale_of(y)
        real = scale_of(x) * (values - zero_of(x)).astype(np.float32)
    rescaled = round_away_f32(function(real) * inverse)
    return (rescaled.astype(np.float32) + np.float32(zero_of(y))).astype(np.int64)


def real_operator(
    kind: str,
    c_function: str,
    function: Callable[[Floats], Floats],
    output_scale: Rule,
    quants: Mapping[str, Quant],
) -> Operator:
    """Describe LOGISTIC or TANH; the output of integers has one scale.

    Args:
        kind: of the operator.
        c_function: its name in unary.c.
        function: the meaning, in LiteRT's single precision.
        output_scale: the rule of the output's scale.
        quants: that scale of 8 bits, by element type.
    """
    scales = {**quants, "int16": UNIT_16}

    def table(node: Node, values: Ints) -> Ints:
        if node.output.dtype == "int16":
            return sigmoid_16(node, values)
        return real_table(node, values, function)

    def lower(site: Site) -> KernelCall:
        """Lower the function of any type."""
        if site.output.dtype == "int16":
            return lower_sigmoid(site)
        return lower_unary(site, c_function, {}, table)

    def evaluate(node: Node, inputs: list[Array]) -> Array:
        return evaluate_unary(node, inputs[0], table, function)

    def sample(rng: Rng, dtype: str) -> Graph:
        return unary_sample(rng, kind, dtype, scales.get(dtype))

    return Operator(
        kind=kind,
        operands=(Operand("input", ARITHMETIC_16),),
        output=ARITHMETIC_16,
        rules=(*UNARY_RULES, output_scale, line_scale),
        shape=kept_shape,
        kernels=(Kernel(lower),),
        evaluate=evaluate,
        samples=samples(sample, ARITHMETIC_16),
    )


def unary_sample(
    rng: Rng,
    kind: str,
    dtype: str,
    quant: Quant | None = None,
    source: Quant | None = None,
    **attrs: AttrValue,
) -> Graph:
    """Make a graph of one such function, on an image or a row of values.

    Args:
        rng: source of the shape and the scales.
        kind: of the operator.
        dtype: of input and output.
        quant: of the output; by default any.
        source: of the input; by default any.
        attrs: of the operator.
    """
    b = GraphBuilder()
    shape = (1, *(int(v) for v in rng.integers(1, 9, 3)))
    if rng.random() < 0.5:
        shape = shape[: int(rng.integers(1, 4))]
    x = b.input(*shape, dtype=dtype, quant=source or random_quant(rng, dtype))
    y = b.tensor(*shape, dtype=dtype, quant=quant or random_quant(rng, dtype))
    return b.graph(b.op(kind, (x,), y, **attrs))
