"""SignalStacker: neighbouring vectors as one. The reference is TFLite Micro.

It leaves a result that is not whole yet as it was in memory; here it is 0.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Tensor
from relocatable.ops._shared.signal import (
    in_range,
    memory_tensor,
    output_types,
    remembering,
    shapes_text,
    signal_kind,
    whole_options,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Input, Output
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("Stacker")
_OPTIONS = ("num_channels", "stacker_left_context", "stacker_right_context", "stacker_step")
_CONTEXTS = _OPTIONS[1:3]
_MOST = 1000  # vectors on a side


def stack_step(node: Node) -> Seen:
    """stacker_step must be at least 1 and at most the number of vectors in a stack"""
    step = node.integer("stacker_step")
    return 1 <= step <= _depth(node), f"{step} of {_depth(node)}"


def stack_shapes(node: Node) -> Seen:
    """input must be [num_channels], the outputs [num_channels times the number of vectors in a
    stack] and a scalar"""
    source, stack, whole = (t.shape for t in (node.inputs[0], *node.outputs[:2]))
    channels = node.integer("num_channels")
    ok = source == (channels,) and stack == (channels * _depth(node),) and whole == ()
    return ok, shapes_text(node)


def _depth(node: Node) -> int:
    return sum(node.integer(key) for key in _CONTEXTS) + 1


def memory(node: Node) -> Tensor:
    """Describe the vectors but the newest, and how many there are."""
    count = (_depth(node) - 1) * node.integer("num_channels") + 1
    return memory_tensor(node, (count,), "int16")


def lower_stacker(site: Site) -> KernelCall:
    """Lower the stack."""
    params = {
        "channels": site.int_attr("num_channels"),
        "depth": _depth(site.node),
        "copies": site.int_attr("stacker_left_context") + 1,
        "step": site.int_attr("stacker_step"),
    }
    pointers = (Input(0), Output(index=2), Output(), Output(index=1))
    call = CCall("xn_signal_stacker", pointers, params)
    source = "signal_stacker/signal_stacker.c"
    return site.call(source, call, inputs=(0, 1), updates={1: 2})


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, ...]:
    """Add the vector, the first one also for those before it; give what is whole."""
    depth, channels = _depth(node), node.integer("num_channels")
    past, state = inputs[1][:-1].reshape(depth - 1, channels), int(inputs[1][-1])
    copies = 1 if state else node.integer("stacker_left_context") + 1
    stack = np.concatenate([past[: max(0, state - 1)], np.tile(inputs[0], (copies, 1))])
    is_whole = len(stack) == depth
    output = stack if is_whole else np.zeros((depth, channels), np.int16)
    rest = stack[node.integer("stacker_step") :] if is_whole else stack
    kept = np.zeros(inputs[1].shape, np.int16)
    kept[: rest.size], kept[-1] = rest.reshape(-1), len(rest) + 1
    return output.reshape(-1), np.asarray(is_whole), kept


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one stacker."""
    channels, left, right = (int(v) for v in rng.integers(0, 5, 3))
    channels += 1
    depth = left + right + 1
    b = GraphBuilder()
    x = b.input(channels, dtype=dtype, quant=None)
    y, whole = b.tensor(channels * depth, dtype=dtype, quant=None), b.tensor(dtype="bool")
    state = b.state(channels * (depth - 1) + 1, dtype=dtype, quant=None)
    values = (channels, left, right, int(rng.integers(1, depth + 1)))
    attrs: dict[str, AttrValue] = dict(zip(_OPTIONS, values, strict=True))
    b.op(KIND, (x, state.first), y, whole, state.last, **attrs)
    return b.graph(y, whole)


OPERATORS = (
    remembering(
        Operator(
            kind=KIND,
            options=whole_options(*_OPTIONS),
            operands=(Operand("input", ("int16",)),),
            output=("int16", "bool"),
            outputs=(2, 2),
            rules=(output_types("int16", "bool"), in_range(0, _MOST, *_CONTEXTS), stack_step),
            shape=stack_shapes,
            kernels=(Kernel(lower_stacker),),
            evaluate=evaluate,
            reference="TFLite Micro",
            version=1,
            samples=samples(sample, ("int16",)),
        ),
        memory,
    ),
)
