"""Models of the shapes of public ones, with random weights."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Quant
from tests.make_tflite import make_tflite

_DATA, _SCORES = Quant((0.05,), (-3,)), Quant((1 / 256,), (-128,))
_DENSE: dict[str, AttrValue] = {"keep_num_dims": False, "weights_format": "DEFAULT"}


class _Network(GraphBuilder):
    """A graph of int8 layers."""

    def __init__(self) -> None:
        super().__init__()
        self._rng = np.random.default_rng(1)

    def picture(self, height: int, width: int, channels: int) -> int:
        """Add an input."""
        return self.input(1, height, width, channels, quant=_DATA)

    def layer(
        self, kind: str, x: int, channels: int, size: tuple[int, int], stride: int = 1
    ) -> int:
        """Add a convolution with SAME padding."""
        _, height, width, depth = self.tensors[x].shape
        is_depthwise = kind == "DEPTHWISE_CONV_2D"
        shape = (1, *size, channels) if is_depthwise else (channels, *size, depth)
        attrs: dict[str, AttrValue] = {
            "padding": "SAME",
            "stride_h": stride,
            "stride_w": stride,
            "dilation_h_factor": 1,
            "dilation_w_factor": 1,
            "fused_activation_function": "RELU",
        }
        if is_depthwise:
            attrs["depth_multiplier"] = channels // depth
        y = self.tensor(1, -(-height // stride), -(-width // stride), channels, quant=_DATA)
        return self.op(kind, (x, *self.weights(*shape)), y, **attrs)

    def weights(self, *shape: int) -> tuple[int, int]:
        """Add a filter and a bias."""
        outputs = shape[-1] if shape[0] == 1 else shape[0]
        values = self._rng.integers(-127, 128, shape)
        filters = self.constant(values, "int8", Quant((0.002,), (0,)))
        return filters, self.constant(self._rng.integers(-99, 100, outputs), "int32")


def micro_speech() -> bytes:
    """Make the keyword spotter of TFLM's example: one layer, then classes."""
    b = _Network()
    x = b.input(1, 1960, quant=_DATA)
    image = b.op("RESHAPE", (x, b.constant([1, 49, 40, 1])), b.tensor(1, 49, 40, 1, quant=_DATA))
    y = b.layer("DEPTHWISE_CONV_2D", image, 8, (10, 8), 2)
    flat = b.op("RESHAPE", (y, b.constant([1, 4000])), b.tensor(1, 4000, quant=_DATA))
    dense = b.tensor(1, 4, quant=_DATA)
    activation: dict[str, AttrValue] = {"fused_activation_function": "NONE"}
    b.op("FULLY_CONNECTED", (flat, *b.weights(4, 4000)), dense, **_DENSE, **activation)
    return make_tflite(b.graph(b.op("SOFTMAX", (dense,), b.tensor(1, 4, quant=_SCORES), beta=1.0)))


def pose_net() -> bytes:
    """Make a pose network: MobileNet v1 0.5 of 225x225 pixels, two maps as outputs."""
    b = _Network()
    x = b.layer("CONV_2D", b.picture(225, 225, 3), 16, (3, 3), 2)
    for channels, stride in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1)):
        x = b.layer("DEPTHWISE_CONV_2D", x, b.tensors[x].shape[3], (3, 3), stride)
        x = b.layer("CONV_2D", x, channels, (1, 1))
    return make_tflite(b.graph(*(b.layer("CONV_2D", x, n, (1, 1)) for n in (17, 34))))
