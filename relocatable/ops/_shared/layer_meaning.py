"""The meaning of layers with weights: sums of products, then their scaling."""

from __future__ import annotations

import numpy as np

from relocatable.ops._shared.fixed_point import (
    multiply_by_quantized_multiplier,
    multiply_by_reduced_multiplier,
    output_clamp,
    zero_of,
)
from relocatable.ops._shared.scaling import (
    Rounding,
    layer_factors,
    multipliers_of,
    single_rounding,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array


def real_values(node: Node, i: int, values: Array) -> Array:
    """Subtract the zero point from the values of input i; floats stay as they are."""
    quant = node.inputs[i].quant
    if values.dtype == np.float32 or quant is None:
        return values
    # LiteRT ignores the zero points of a filter with a scale for each channel: they are 0.
    return values.astype(np.int64) - quant.zero_point[0]


def sum_in_order(values: Array) -> Array:
    """Add up the last dimension from its start on, in the precision of the values."""
    return np.add.accumulate(values, axis=-1, dtype=values.dtype)[..., -1]


def finish_layer(node: Node, inputs: list[Array], sums: Array, rounding: Rounding) -> Array:
    """Add the bias, scale and clamp.

    Args:
        node: of the layer.
        inputs: its values, the bias last if there is one.
        sums: of products, [.., C].
        rounding: of integers.
    """
    low, high = output_clamp(node.activation, node.output)
    if len(inputs) == 3:
        sums = sums + inputs[2]
    if node.output.dtype == "float32":
        return np.clip(sums, np.float32(low), np.float32(high))
    factors = layer_factors(node.inputs[0], node.inputs[1], node.output, rounding)
    if rounding == "double":
        scaled = multiply_by_quantized_multiplier(sums, *multipliers_of(factors))
    elif rounding == "reduced":
        scaled = multiply_by_reduced_multiplier(sums, *multipliers_of(factors))
    else:
        rows = sums.reshape(-1, sums.shape[-1]).T
        scaled = single_rounding(np.array(factors), 0)(rows).T.reshape(sums.shape)
    return np.clip(scaled + zero_of(node.output), low, high).astype(node.output.dtype)
