"""BATCH_MATMUL.

If the first input is float32 and the second int8, LiteRT quantises each row at run time, as a
FULLY_CONNECTED layer without bias does.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.factors import factors_below
from relocatable.ops._shared.fixed_point import (
    multiply_by_quantized_multiplier,
    multiply_by_reduced_multiplier,
    quantize_multiplier,
    type_range,
    zero_of,
)
from relocatable.ops._shared.hybrid import (
    dot_kernels,
    is_asymmetric,
    quantize_rows,
    real_sums,
    scales_of,
    sums_of_bytes,
)
from relocatable.ops._shared.layer import HYBRID, layer_form
from relocatable.ops._shared.layer_meaning import real_values, sum_in_order
from relocatable.ops._shared.layer_sample import filter_quant
from relocatable.ops._shared.move import outline
from relocatable.ops._shared.random import random_input, random_quant
from relocatable.ops._shared.types import has_one_scale, one_scale, one_type
from relocatable.ops.batch_matmul.lower import (
    BATCH,
    factor_of,
    is_integer,
    lower_by_bytes,
    lower_dsp,
    lower_mve,
    lower_product,
    operands_of,
)
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
from relocatable.targets.arm import DSP, MVE_I

_TYPES = ("int8", "int16", "float32")


def product_types(node: Node) -> Seen:
    """inputs and output must be of one type, or float32 but for an int8 second input"""
    return (True, "") if layer_form(node) == HYBRID else one_type(node)


def product_scales(node: Node) -> Seen:
    """tensors of 8 bits must have one scale, and a zero point within their type; an int8 second
    input of a float32 one must be a constant matrix with zero point 0 and may have a scale for each
    of its columns, and the first one must not be transposed"""
    if layer_form(node) != HYBRID:
        return one_scale(node)
    weights, quant = node.inputs[1], node.inputs[1].quant
    seen = f"{list(weights.shape)}, {quant}, transposed: {node.op.attrs['adj_x']}"
    if quant is None or any(quant.zero_point) or node.op.attrs["adj_x"]:
        return False, seen
    ok = weights.data is not None and len(weights.shape) == 2
    axis = 0 if node.op.attrs["adj_y"] else 1
    return ok and (has_one_scale(weights) or quant.axis == axis), seen


def ranks(node: Node) -> Seen:
    """inputs must have 2 to 5 dimensions"""
    shapes = [t.shape for t in node.inputs]
    return all(2 <= len(s) <= 2 + BATCH for s in shapes), str([list(s) for s in shapes])


def depth_of_sums(node: Node) -> Seen:
    """the products of 8-bit values must be sums of at most 32768 terms, those of 16-bit values of
    fewer than 131072, and their number times the factor between scales below 2"""
    depth = node.inputs[0].shape[-2 if node.op.attrs["adj_x"] else -1]
    if node.output.dtype == "int16":
        factor = factor_of(node)
        return depth < 1 << 17 and depth * factor < 2, f"{depth}, factor {factor:g}"
    most_terms = sums_of_bytes(node, depth)[0]
    return most_terms and (not node.quantized or depth <= 1 << 15), str(depth)


def product_shape(node: Node) -> Seen:
    """matrices must fit, their batches stretch to each other by NumPy's rules, and the output be of
    the shape that follows"""
    text = f"{[list(t.shape) for t in node.inputs]} -> {list(node.output.shape)}"
    try:
        a, b = operands_of(node, *(outline(t.shape) for t in node.inputs))
    except ValueError:
        return False, text
    shape = (*a.shape[:-1], b.shape[-2])
    return a.shape[-1] == b.shape[-1] and node.output.shape == shape, text


def _factors(node: Node) -> list[float]:
    return [0.0] if layer_form(node) == HYBRID else [factor_of(node)]


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Multiply matrices, and rescale integers."""
    if layer_form(node) == HYBRID:
        return _evaluate_hybrid(node, *inputs)
    a, b = operands_of(node, *(real_values(node, i, x) for i, x in enumerate(inputs)))
    sums = sum_in_order(a[..., :, None, :] * b[..., None, :, :])
    if node.output.dtype == "float32":
        return sums
    is_wide = node.output.dtype == "int16"
    scale = multiply_by_reduced_multiplier if is_wide else multiply_by_quantized_multiplier
    scaled = scale(sums, *quantize_multiplier(factor_of(node)))
    limits = type_range(node.output.dtype)
    return np.clip(scaled + zero_of(node.output), *limits).astype(node.output.dtype)


def _evaluate_hybrid(node: Node, a: Array, b: Array) -> Array:
    filters = b.astype(np.int64) if node.op.attrs["adj_y"] else b.astype(np.int64).T
    values, scales = quantize_rows(a.reshape(-1, filters.shape[1]), is_asymmetric(node))
    return real_sums(values @ filters.T, scales_of(node.inputs[1]), scales, False)


def sample_hybrid(rng: Rng, dtype: str) -> Graph:
    """Make a graph of float32 rows and a constant int8 matrix."""
    *rows, columns, depth = (int(v) for v in rng.integers(1, 30, int(rng.integers(3, 5))))
    adj_y = bool(rng.random() < 0.4)
    axis = 0 if adj_y else 1
    b = GraphBuilder()
    shape = (columns, depth) if adj_y else (depth, columns)
    quant = filter_quant(rng, "int8", columns, axis, 0.01, 0.5)
    x = b.input(*rows, depth, dtype="float32")
    if len(rows) < 2:
        x = b.inputs[0] = b.tensor(1, *rows, depth, dtype="float32")
        rows = [1, *rows]
    weights = b.constant(rng.integers(-127, 128, shape), "int8", quant)
    y = b.tensor(*rows, columns, dtype="float32")
    asymmetric = bool(rng.random() < 0.5)
    attrs = {"adj_x": False, "adj_y": adj_y, "asymmetric_quantize_inputs": asymmetric}
    return b.graph(b.op("BATCH_MATMUL", (x, weights), y, **attrs))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of matrices, with batches that stretch; the second may be constant."""
    rows, columns, depth = (int(v) for v in rng.integers(1, 9, 3))
    batch = [int(v) for v in rng.integers(1, 4, int(rng.integers(0, BATCH + 1)))]
    adj_x, adj_y = (bool(v) for v in rng.random(2) < 0.4)
    ends = [
        [depth, rows] if adj_x else [rows, depth],
        [columns, depth] if adj_y else [depth, columns],
    ]
    shapes = [[d if rng.random() < 0.7 else 1 for d in batch] for _ in range(2)]
    output = [max(pair) for pair in zip(*shapes, strict=True)]
    b = GraphBuilder()
    first, second, third = (random_quant(rng, dtype) for _ in range(3))
    if first and second and third:
        size = 20_000 if dtype == "int16" else 50
        spread = float(first.scale[0] * second.scale[0] * size * np.sqrt(depth))
        third = Quant((float(np.float32(spread)),), third.zero_point)
    left = b.input(*shapes[0], *ends[0], dtype=dtype, quant=first)
    side = [*shapes[1], *ends[1]]
    if rng.random() < 0.3:
        right = b.constant(random_input(rng, side, dtype), dtype, second)
    else:
        right = b.input(*side, dtype=dtype, quant=second)
    y = b.tensor(*output, rows, columns, dtype=dtype, quant=third)
    attrs = {"adj_x": adj_x, "adj_y": adj_y, "asymmetric_quantize_inputs": False}
    return b.graph(b.op("BATCH_MATMUL", (left, right), y, **attrs))


OPERATORS = (
    Operator(
        kind="BATCH_MATMUL",
        options=Options("BatchMatMulOptions", ("adj_x", "adj_y", "asymmetric_quantize_inputs")),
        operands=(Operand("input", _TYPES), Operand("second input", _TYPES)),
        output=_TYPES,
        rules=(
            *(product_types, product_scales, ranks),
            factors_below(30, "product of the inputs' scales over the output's", _factors),
            depth_of_sums,
        ),
        shape=product_shape,
        kernels=(
            *dot_kernels(lower_by_bytes),
            Kernel(lower_mve, needs=(MVE_I,), takes=is_integer),
            Kernel(lower_dsp, needs=(DSP,), without=(MVE_I,), takes=is_integer),
            Kernel(lower_product),
        ),
        evaluate=evaluate,
        version=3,
        samples={**samples(sample, _TYPES), HYBRID: sample_hybrid},
    ),
)
