"""CIRCULAR_BUFFER: the last inputs, one after another.

The reference is TFLite Micro. There an operator with more than one cycle ends the run before its
last cycle: what follows is not computed, and outputs stay as they were. A program of steps has no
such way out.
"""

from __future__ import annotations

import math

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Tensor
from relocatable.ops._shared.frames import Frames
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.signal import memory_tensor, remembering, shapes_text
from relocatable.ops._shared.types import kept_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    CustomOptions,
    Kernel,
    Operand,
    Operator,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall

KIND = "CUSTOM CIRCULAR_BUFFER"
# TFLite Micro takes one cycle for these numbers of slots if the option is absent, and for others
# mostly two.
_SINGLE_CYCLE = (5, 13, 25)


def one_cycle(node: Node) -> Seen:
    """cycles_max must be 1, or absent with 5, 13 or 25 slots; with more cycles, divide the model
    there: the first part runs each time, the second in every last cycle"""
    cycles = node.integer("cycles_max")
    shape = node.output.shape
    guessed = cycles <= 0 and len(shape) == 4 and shape[1] in _SINGLE_CYCLE
    return cycles == 1 or guessed, f"{cycles} cycles, {list(shape)}"


def slot_shapes(node: Node) -> Seen:
    """input must be [1, 1, W, C] for an output [1, slots, W, C]"""
    source, output = node.inputs[0].shape, node.output.shape
    ok = len(output) == 4 and output[0] == 1 and source == (1, 1, *output[2:])
    return ok, shapes_text(node)


def _frames(node: Node) -> Frames:
    size, step = node.output.count, node.inputs[0].count
    return Frames(1, 1, step, size, size - step)


def memory(node: Node) -> Tensor:
    """Describe the last inputs but one."""
    _, slots, *rest = node.output.shape
    return memory_tensor(node, (1, slots - 1, *rest), "int8", node.output.quant)


def lower_buffer(site: Site) -> KernelCall:
    """Lower the moves."""
    return _frames(site.node).lower(site)


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, Array]:
    """Put the input behind those before; forget the first."""
    return _frames(node).evaluate(node, inputs)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one buffer."""
    slots, width, depth = (int(v) for v in rng.integers(1, 8, 3))
    quant = random_quant(rng, dtype)
    b = GraphBuilder()
    x = b.input(1, 1, width, depth, dtype=dtype, quant=quant)
    y = b.tensor(1, slots, width, depth, dtype=dtype, quant=quant)
    shape = (1, slots - 1, width, depth)
    state = b.state(*(shape if math.prod(shape) else (1,)), dtype=dtype, quant=quant)
    return b.graph(b.op(KIND, (x, state.first), y, state.last, cycles_max=1))


OPERATORS = (
    remembering(
        Operator(
            kind=KIND,
            options=CustomOptions({"cycles_max": 0}),
            operands=(Operand("input", ("int8",)),),
            output=("int8",),
            rules=(kept_scale, one_cycle),
            shape=slot_shapes,
            kernels=(Kernel(lower_buffer),),
            evaluate=evaluate,
            reference="TFLite Micro",
            version=1,
            samples=samples(sample, ("int8",)),
        ),
        memory,
    ),
)
