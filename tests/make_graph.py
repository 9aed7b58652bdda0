"""Small graphs for tests, built up tensor by tensor and operator by operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from relocatable.graph.graph import AttrValue, Graph, Op, Quant, Tensor

PLAIN = Quant((0.5,), (0,))
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


class GraphBuilder:
    """A graph under construction; the methods return tensor indices."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.inputs: list[int] = []

    def tensor(
        self, *shape: int, dtype: str = "int8", quant: Quant | None = PLAIN, name: str = ""
    ) -> int:
        """A computed tensor; a float32 has no scale."""
        name = name or f"t{len(self.tensors)}"
        scaled = quant if dtype in ("int8", "uint8") else None
        self.tensors.append(Tensor(name, shape, dtype, scaled))
        return len(self.tensors) - 1

    def input(self, *shape: int, dtype: str = "int8", quant: Quant | None = PLAIN) -> int:
        """An input of the graph."""
        self.inputs.append(self.tensor(*shape, dtype=dtype, quant=quant))
        return self.inputs[-1]

    def constant(self, values: Any, dtype: str = "int32", quant: Quant | None = None) -> int:
        """A constant."""
        data = np.asarray(values, dtype)
        name = f"c{len(self.tensors)}"
        self.tensors.append(Tensor(name, data.shape, dtype, quant, data))
        return len(self.tensors) - 1

    def op(self, kind: str, inputs: Sequence[int], output: int, **attrs: AttrValue) -> int:
        """An operator; returns its output."""
        self.ops.append(Op(kind, self.tensors[output].name, tuple(inputs), (output,), attrs))
        return output

    def graph(self, *outputs: int) -> Graph:
        """The graph so far."""
        return Graph("test", tuple(self.tensors), tuple(self.ops), tuple(self.inputs), outputs)


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
    return b.op("CONV_2D", (x, w, bias), y, **{**CONV, **changed}) and b.graph(y)
