"""Small graphs for tests, built up tensor by tensor and operator by operator."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import PLAIN, GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant

__all__ = ["CONV", "PLAIN", "POOL", "GraphBuilder", "conv_graph"]

CONV: dict[str, AttrValue] = {
    "padding": "VALID",
    "stride_h": 1,
    "stride_w": 1,
    "dilation_h_factor": 1,
    "dilation_w_factor": 1,
    "fused_activation_function": "NONE",
}
POOL: dict[str, AttrValue] = {
    "padding": "VALID",
    "stride_h": 2,
    "stride_w": 2,
    "filter_height": 2,
    "filter_width": 2,
    "fused_activation_function": "NONE",
}


def conv_graph(
    *,
    height: int = 8,
    width: int = 6,
    channels: int = 2,
    outputs: int = 3,
    dtype: str = "int8",
    **changed: AttrValue,
) -> Graph:
    """One 3x3 CONV_2D without padding."""
    b = GraphBuilder()
    x = b.input(1, height, width, channels, dtype=dtype)
    rng = np.random.default_rng(1)
    float_type = dtype == "float32"
    weights = rng.integers(-127, 128, (outputs, 3, 3, channels))
    scale = Quant((0.01,) * outputs, (0,) * outputs, 0 if outputs > 1 else None)
    w = b.constant(weights, dtype, None if float_type else scale)
    bias = b.constant(rng.integers(-50, 50, outputs), "float32" if float_type else "int32")
    y = b.tensor(1, height - 2, width - 2, outputs, dtype=dtype, name="block3")
    return b.graph(
        b.op("CONV_2D", (x, w, bias), y, quantized_bias_type="FLOAT32", **{**CONV, **changed})
    )
