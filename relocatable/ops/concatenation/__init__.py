"""CONCATENATION."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Tensor
from relocatable.ops._shared.factors import factors_below
from relocatable.ops._shared.fixed_point import round_away_f32, scale_of, zero_of
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import check_joined
from relocatable.ops._shared.table import all_values
from relocatable.ops._shared.types import kept_scale, one_scale_or_none, one_type
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
from relocatable.steps.c_call import CCall, Constant, CPointer, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_TYPES = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")
_MOST_COPIES = 16  # of the kernel in a step: each takes Clang's time


def joined_scale(node: Node) -> Seen:
    """inputs and output of int8 must have the same scale and zero point"""
    return kept_scale(node) if node.output.dtype == "int8" else (True, "")


def no_activation(node: Node) -> Seen:
    """fused activation must be NONE"""
    return node.activation == "NONE", node.activation


def joined_shapes(node: Node) -> Seen:
    """inputs must agree in all dimensions but the axis, and add up to the output there"""
    axis, shapes, output = node.integer("axis"), [t.shape for t in node.inputs], node.output
    text = f"{[list(s) for s in shapes]} along {axis} -> {list(output.shape)}"
    rank = len(output.shape)
    if not -rank <= axis < rank or any(len(s) != rank for s in shapes):
        return False, text
    axis %= rank
    rest = {(*s[:axis], *s[axis + 1 :]) for s in (*shapes, output.shape)}
    return len(rest) == 1 and sum(s[axis] for s in shapes) == output.shape[axis], text


def lower_concatenation(site: Site) -> KernelCall:
    """Lower a join; like LiteRT, it rescales uint8 if scales differ; it refuses that
    for int8, and moves int16 as it is."""
    shape = site.output.shape
    axis = site.int_attr("axis") % len(shape)
    outer = int(np.prod(shape[:axis], dtype=np.int64))
    inner = site.output.size_bytes // (outer * shape[axis])  # bytes of one index of the axis
    calls, weights, at = [], {}, 0
    for i in range(len(site.op.inputs)):
        block = site.input(i).shape[axis] * inner
        params: dict[str, CValue] = {
            "outer": outer,
            "block": block,
            "out_offset": at,
            "out_block": shape[axis] * inner,
        }
        at += block
        function = "xn_concatenation"  # of bytes: blocks of every type are only moved
        arguments: list[CPointer] = [Input(i, "uint8_t"), Output("uint8_t")]
        table = _rescaling(site.input(i), site.output)
        if table is not None:
            weights[f"table{i}"] = table
            function = "xn_concatenation_table"
            arguments.insert(1, Constant(f"table{i}"))
        function += "_shared" * (len(site.op.inputs) > _MOST_COPIES)
        calls.append(CCall(function, arguments, params, "xn_concatenation_params"))
    inputs = range(len(site.op.inputs))
    return site.call("concatenation/concatenation.c", *calls, weights=weights, inputs=inputs)


def _rescaling(x: Tensor, y: Tensor) -> npt.NDArray[np.uint8] | None:
    """Compute what LiteRT makes of 256 values of uint8; None if it copies them."""
    if y.dtype != "uint8" or x.quant is None or y.quant is None:
        return None
    if scale_of(x) == scale_of(y) and zero_of(x) == zero_of(y):
        return None
    scale = scale_of(x) * (np.float32(1) / scale_of(y))
    bias = np.float32(-zero_of(x)) * scale
    values = round_away_f32(all_values(x).astype(np.float32) * scale + bias) + zero_of(y)
    return np.clip(values, 0, 255).astype(np.uint8)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Join values, those of uint8 rescaled."""
    check_joined(node)
    tables = [_rescaling(tensor, node.output) for tensor in node.inputs]
    pairs = zip(inputs, tables, strict=True)
    parts = [x if table is None else table[x] for x, table in pairs]
    return np.concatenate(parts, axis=node.integer("axis"))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph that joins up to four inputs, those of uint8 with any scales."""
    rank = int(rng.integers(1, 5))
    shape = [int(v) for v in rng.integers(1, 6, rank)]
    axis = int(rng.integers(-rank, rank))
    before, after = shape[: axis % rank], shape[axis % rank + 1 :]
    b = GraphBuilder()
    inputs, total = [], 0
    out_quant = random_quant(rng, dtype)
    for _ in range(int(rng.integers(1, 5))):
        size = int(rng.integers(1, 6))
        is_rescaled = dtype == "uint8" and rng.random() < 0.5  # LiteRT refuses it for int8
        quant = random_quant(rng, dtype) if is_rescaled else out_quant
        inputs.append(b.input(*before, size, *after, dtype=dtype, quant=quant))
        total += size
    y = b.tensor(*before, total, *after, dtype=dtype, quant=out_quant)
    b.op("CONCATENATION", inputs, y, axis=axis, fused_activation_function="NONE")
    return b.graph(y)


def _ratios(node: Node) -> list[np.float32]:
    if node.output.quant is None:
        return [np.float32(0)]
    return [scale_of(x) * (np.float32(1) / scale_of(node.output)) for x in node.inputs]


_RATIOS = factors_below(22, "an input's scale over the output's", _ratios)

OPERATORS = (
    Operator(
        kind="CONCATENATION",
        options=Options("ConcatenationOptions", ("axis", "fused_activation_function")),
        operands=(Operand("every input", _TYPES),),
        is_variadic=True,
        output=_TYPES,
        rules=(one_type, one_scale_or_none, joined_scale, no_activation, _RATIOS),
        shape=joined_shapes,
        kernels=(Kernel(lower_concatenation),),
        evaluate=evaluate,
        folds="constants",
        samples=samples(sample, _TYPES),
    ),
)
