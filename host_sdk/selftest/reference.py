"""The reference network: a small image classifier of int8, its weights random.

1 x 32 x 32 x 3 -> CONV_2D 8, 3 x 3, stride 2 -> DEPTHWISE_CONV_2D 3 x 3 -> CONV_2D 16, 1 x 1 ->
AVERAGE_POOL_2D 4 x 4 -> FULLY_CONNECTED 10 -> SOFTMAX: 113,152 products.
"""

from __future__ import annotations

import numpy as np

from relocatable.compile import compile_graph
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant

_SEED = 20260713
_DATA = Quant((0.05,), (0,))
_PROBABILITY = Quant((1 / 256,), (-128,))
_WINDOW: dict[str, AttrValue] = {
    "padding": "SAME",
    "dilation_h_factor": 1,
    "dilation_w_factor": 1,
    "fused_activation_function": "RELU",
}


def reference_blob(cpu: str) -> bytes:
    """Compile the network for a CPU, with its golden vector."""
    return compile_graph(reference_graph(), "reference", cpu)


def reference_graph() -> Graph:
    """Build the network."""
    b, rng = GraphBuilder(), np.random.default_rng(_SEED)

    def weights(*shape: int, axis: int) -> tuple[int, int]:
        count = shape[axis]
        scales = Quant((0.01,) * count, (0,) * count, axis)
        bias = Quant((0.05 * 0.01,) * count, (0,) * count, 0)
        return (
            b.constant(rng.integers(-127, 128, shape), "int8", scales),
            b.constant(rng.integers(-500, 500, count), "int32", bias),
        )

    def conv(x: int, size: int, *shape: int, stride: int = 1) -> int:
        y = b.tensor(1, size, size, shape[0], quant=_DATA)
        steps: dict[str, AttrValue] = {"stride_h": stride, "stride_w": stride}
        steps["quantized_bias_type"] = "FLOAT32"
        return b.op("CONV_2D", (x, *weights(*shape, axis=0)), y, **_WINDOW, **steps)

    x = b.input(1, 32, 32, 3, quant=_DATA)
    x = conv(x, 16, 8, 3, 3, 3, stride=2)
    y = b.tensor(1, 16, 16, 8, quant=_DATA)
    x = b.op(
        "DEPTHWISE_CONV_2D",
        (x, *weights(1, 3, 3, 8, axis=3)),
        y,
        **{**_WINDOW, "stride_h": 1, "stride_w": 1, "depth_multiplier": 1},
    )
    x = conv(x, 16, 16, 1, 1, 8)
    y = b.tensor(1, 4, 4, 16, quant=_DATA)
    x = b.op(
        "AVERAGE_POOL_2D",
        (x,),
        y,
        padding="VALID",
        stride_h=4,
        stride_w=4,
        filter_height=4,
        filter_width=4,
        fused_activation_function="NONE",
    )
    x = b.op("RESHAPE", (x, b.constant([1, 256])), b.tensor(1, 256, quant=_DATA))
    y = b.tensor(1, 10, quant=_DATA)
    x = b.op(
        "FULLY_CONNECTED",
        (x, *weights(10, 256, axis=0)),
        y,
        fused_activation_function="NONE",
        weights_format="DEFAULT",
        keep_num_dims=False,
        asymmetric_quantize_inputs=False,
        quantized_bias_type="FLOAT32",
    )
    x = b.op("SOFTMAX", (x,), b.tensor(1, 10, quant=_PROBABILITY), beta=1.0)
    return b.graph(x)
