"""Random networks of layers that go by rows, and random pipelines of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.schedule.row_pipeline import RowPlanner, _Group
from relocatable.steps.kernel_call import KernelCall
from tests.make_graph import GraphBuilder

Rng = np.random.Generator
ACTIVATIONS = ("NONE", "RELU", "RELU6")


def random_network(rng: Rng, dtype: str = "int8", layers: int = 7) -> Graph:
    """Make a network of windows of all kinds, single values and sums of branches.

    Sizes are odd, and some tensors are kept.
    """
    net = _Net(rng, dtype)
    for _ in range(layers):
        net.add_layer()
    return net.graph()


def random_pipelines(
    graph: Graph, by_target: Sequence[Sequence[KernelCall]], rng: Rng
) -> list[tuple[KernelCall, ...]]:
    """Join steps at random, as `plan_rows` might."""
    planner = RowPlanner(graph, by_target, False, {})
    groups: list[_Group] = []
    stop = len(by_target[0])
    while stop:
        starts = [start for start, end in planner.spans(stop - 1) if end == stop]
        choices = list(planner.singles(stop - 1))
        for start in rng.permutation(starts)[:4]:
            choices += planner.pipelines(int(start), stop)
        longest = min(group.start for group in choices)
        if rng.random() < 0.5:
            choices = [group for group in choices if group.start == longest]
        groups.insert(0, choices[int(rng.integers(len(choices)))])
        stop = groups[0].start
    return [tuple(g.call(graph, calls[g.start : g.stop]) for g in groups) for calls in by_target]


class _Net:
    def __init__(self, rng: Rng, dtype: str) -> None:
        self.rng = rng
        self.dtype = dtype
        self.b = GraphBuilder()
        size = (int(rng.integers(5, 22)), int(rng.integers(3, 12)), int(rng.integers(1, 6)))
        self.made = [self.b.input(1, *size, dtype=dtype, quant=self.quant())]

    def graph(self) -> Graph:
        read = {i for op in self.b.ops for i in op.inputs}
        kept = [i for i in self.made[1:] if i not in read or self.rng.random() < 0.1]
        return self.b.graph(*kept)

    def add_layer(self) -> None:
        kinds = ["CONV_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"]
        kinds += ["LOGISTIC", "RELU", "ADD", "ADD", "RESIZE"]
        kinds += ["TRANSPOSE_CONV"]
        kind = str(self.rng.choice(kinds))
        # Mostly the newest tensor, which makes pipelines likely.
        x = self.made[-1] if self.rng.random() < 0.75 else int(self.rng.choice(self.made))
        if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            y = self.convolution(kind, x)
        elif kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
            y = self.pool(kind, x)
        elif kind == "ADD":
            y = self.add(x)
        elif kind == "TRANSPOSE_CONV":
            y = self.transposed(x)
        elif kind == "RESIZE":
            y = self.resize(x)
        else:
            y = self.b.op(kind, (x,), self.output(self.shape(x), self.b.tensors[x].quant))
        self.made.append(y)

    def convolution(self, kind: str, x: int) -> int:
        window, (h, w) = self.window(x, 5)
        k_h, k_w = window.pop("k_h"), window.pop("k_w")
        in_c = self.shape(x)[3]
        if kind == "CONV_2D":
            out_c = int(self.rng.integers(1, 9))
            shape, axis, terms = (out_c, k_h, k_w, in_c), 0, k_h * k_w * in_c
        else:
            multiplier = int(self.rng.choice([1, 1, 2]))
            out_c = in_c * multiplier
            shape, axis, terms = (1, k_h, k_w, out_c), 3, k_h * k_w
            window["depth_multiplier"] = multiplier
        y = self.output((1, h, w, out_c), self.quant())
        inputs = (x, *self.weights(x, y, shape, axis, int(terms)))
        attrs: dict[str, AttrValue] = {**window, "fused_activation_function": self.activation()}
        return self.b.op(kind, inputs, y, **attrs)

    def transposed(self, x: int) -> int:
        _, h, w, in_c = self.shape(x)
        stride = 2 if max(h, w) < 20 and self.rng.random() < 0.5 else 1
        k, out_c = int(self.rng.integers(1, 5)), int(self.rng.integers(1, 6))
        same = bool(self.rng.random() < 0.6)
        size = [n * stride if same else (n - 1) * stride + k for n in (h, w)]
        y = self.output((1, *size, out_c), self.quant())
        filter_and_bias = self.weights(x, y, (out_c, k, k, in_c), 0, k * k * in_c)
        inputs = (self.b.constant([1, *size, out_c]), filter_and_bias[0], x, filter_and_bias[1])
        attrs: dict[str, AttrValue] = {
            "padding": "SAME" if same else "VALID",
            "stride_h": stride,
            "stride_w": stride,
            "fused_activation_function": self.activation(),
        }
        return self.b.op("TRANSPOSE_CONV", inputs, y, **attrs)

    def weights(self, x: int, y: int, shape: Any, axis: int, terms: int) -> tuple[int, int]:
        channels = shape[axis]
        if self.dtype == "float32":
            values = self.rng.normal(0, 1 / np.sqrt(terms), shape)
            bias = self.rng.normal(0, 0.1, channels)
            return self.b.constant(values, "float32"), self.b.constant(bias, "float32")
        ratio = self.scale(y) / self.scale(x) / 60 / np.sqrt(terms)
        if self.dtype == "uint8":
            quant = Quant((float(np.float32(ratio)),), (int(self.rng.integers(110, 146)),))
            values = self.rng.integers(0, 256, shape)
            bias = self.rng.integers(-500, 500, channels)
            return self.b.constant(values, "uint8", quant), self.b.constant(bias, "int32")
        scales = tuple(
            float(np.float32(ratio * s)) for s in np.exp(self.rng.normal(0, 0.3, channels))
        )
        quant = Quant(scales, (0,) * channels, axis)
        values = self.rng.integers(-127, 128, shape)
        bias = self.rng.integers(-500, 500, channels)
        in_scale = self.scale(x)
        bias_quant = Quant(
            tuple(float(np.float32(in_scale * s)) for s in scales), quant.zero_point, 0
        )
        return self.b.constant(values, "int8", quant), self.b.constant(bias, "int32", bias_quant)

    def pool(self, kind: str, x: int) -> int:
        window, (h, w) = self.window(x, 3)
        for key in ("dilation_h_factor", "dilation_w_factor"):
            window.pop(key)
        window["filter_height"], window["filter_width"] = window.pop("k_h"), window.pop("k_w")
        y = self.output((1, h, w, self.shape(x)[3]), self.b.tensors[x].quant)
        return self.b.op(kind, (x,), y, **window, fused_activation_function=self.activation())

    def add(self, x: int) -> int:
        same = [i for i in self.made if self.shape(i) == self.shape(x)]
        other = int(self.rng.choice(same))
        y = self.output(self.shape(x), self.quant())
        return self.b.op("ADD", (x, other), y, fused_activation_function=self.activation())

    def resize(self, x: int) -> int:
        _, h, w, c = self.shape(x)
        size = [max(1, int(n * self.rng.choice([0.5, 0.7, 1.4, 2]))) for n in (h, w)]
        y = self.output((1, *size, c), self.b.tensors[x].quant)
        kind = str(self.rng.choice(["RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"]))
        grid = self.rng.random()
        attrs = {"align_corners": bool(grid < 0.3), "half_pixel_centers": bool(grid > 0.7)}
        return self.b.op(kind, (x, self.b.constant(size)), y, **attrs)

    def window(self, x: int, largest: int) -> tuple[dict[str, Any], tuple[int, int]]:
        _, h, w, _ = self.shape(x)
        same = bool(self.rng.random() < 0.6)
        sides = []
        for size in (h, w):
            k = int(self.rng.integers(1, min(largest, size) + 1))
            dilation = 2 if self.rng.random() < 0.15 and 2 * (k - 1) < size else 1
            stride = 1 if dilation > 1 else int(self.rng.choice([1, 1, 1, 2, 3]))
            reach = (k - 1) * dilation + 1
            sides.append((k, dilation, stride, -(-(size if same else size - reach + 1) // stride)))
        (k_h, d_h, s_h, out_h), (k_w, d_w, s_w, out_w) = sides
        window = {"k_h": k_h, "k_w": k_w, "padding": "SAME" if same else "VALID"}
        window |= {"dilation_h_factor": d_h, "dilation_w_factor": d_w}
        return {**window, "stride_h": s_h, "stride_w": s_w}, (out_h, out_w)

    def output(self, shape: tuple[int, ...], quant: Quant | None) -> int:
        return self.b.tensor(*shape, dtype=self.dtype, quant=quant)

    def shape(self, i: int) -> tuple[int, ...]:
        return self.b.tensors[i].shape

    def scale(self, i: int) -> float:
        quant = self.b.tensors[i].quant
        assert quant is not None
        return quant.scale[0]

    def quant(self) -> Quant:
        return Quant(
            (float(np.float32(np.exp(self.rng.normal(-3, 0.5)))),),
            (int(self.rng.integers(-128, 128)) + 128 * (self.dtype == "uint8"),),
        )

    def activation(self) -> str:
        return str(self.rng.choice(ACTIVATIONS))
