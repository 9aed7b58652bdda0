"""SignalDelay: signals as they were before. The reference is TFLite Micro."""

from __future__ import annotations

import math

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Tensor
from relocatable.ops._shared.frames import Frames
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.signal import (
    in_range,
    memory_tensor,
    random_outer,
    remembering,
    signal_kind,
    whole_options,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("Delay")


def has_length(node: Node) -> Seen:
    """input must have a dimension"""
    shape = node.inputs[0].shape
    return len(shape) > 0, str(list(shape))


def _frames(node: Node) -> Frames:
    *outer, size = node.output.shape
    return Frames(math.prod(outer), 1, size, size, node.integer("delay_length"))


def memory(node: Node) -> Tensor:
    """Describe the values that are still to come."""
    frames = _frames(node)
    return memory_tensor(node, (frames.outer, frames.history), "int16")


def lower_delay(site: Site) -> KernelCall:
    """Lower the delay."""
    return _frames(site.node).lower(site)


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, Array]:
    """Take the oldest values; remember the rest."""
    return _frames(node).evaluate(node, inputs)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one delay, shorter or longer than a run's values."""
    shape, delay = [*random_outer(rng), int(rng.integers(1, 20))], int(rng.integers(0, 40))
    b = GraphBuilder()
    x, y = b.input(*shape, dtype=dtype, quant=None), b.tensor(*shape, dtype=dtype, quant=None)
    size = (math.prod(shape[:-1]), delay) if delay else (1,)
    state = b.state(*size, dtype=dtype, quant=None)
    b.op(KIND, (x, state.first), y, state.last, delay_length=delay)
    return b.graph(y)


OPERATORS = (
    remembering(
        Operator(
            kind=KIND,
            options=whole_options("delay_length"),
            operands=(Operand("input", ("int16",)),),
            output=("int16",),
            rules=(has_length, in_range(0, 1 << 20, "delay_length")),
            shape=kept_shape,
            kernels=(Kernel(lower_delay),),
            evaluate=evaluate,
            reference="TFLite Micro",
            version=1,
            samples=samples(sample, ("int16",)),
        ),
        memory,
    ),
)
