"""SignalWindow: frames of int16 times a window. The reference is TFLite Micro."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.signal import (
    in_range,
    random_outer,
    shapes_text,
    signal_kind,
    whole_options,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("Window")


def window_size(node: Node) -> Seen:
    """weights must be as many as values in the input's last dimension"""
    signal, weights = (t.shape for t in node.inputs)
    return bool(signal) and weights == signal[-1:], shapes_text(node)


def lower_window(site: Site) -> KernelCall:
    """Lower the window."""
    params: dict[str, CValue] = {"count": site.output.count, "size": site.input(1).count}
    params["shift"] = site.int_attr("shift")
    call = CCall("xn_signal_window", (Input(0), Input(1), Output()), params)
    return site.call("signal_window/signal_window.c", call, inputs=(0, 1), in_place=(0,))


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Multiply, shift and saturate."""
    products = inputs[0].astype(np.int64) * inputs[1] >> node.integer("shift")
    return np.asarray(np.clip(products, -32768, 32767), np.int16)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one window."""
    shape = [*random_outer(rng), int(rng.integers(1, 60))]
    b = GraphBuilder()
    x, y = b.input(*shape, dtype=dtype, quant=None), b.tensor(*shape, dtype=dtype, quant=None)
    weights = b.constant(rng.integers(-32768, 32768, shape[-1]), "int16")
    return b.graph(b.op(KIND, (x, weights), y, shift=int(rng.choice([0, 12, 15, 31]))))


OPERATORS = (
    Operator(
        kind=KIND,
        options=whole_options("shift"),
        operands=(Operand("input", ("int16",)), Operand("weights", ("int16",))),
        output=("int16",),
        rules=(window_size, in_range(0, 31, "shift")),
        shape=kept_shape,
        kernels=(Kernel(lower_window),),
        evaluate=evaluate,
        reference="TFLite Micro",
        version=1,
        samples=samples(sample, ("int16",)),
    ),
)
