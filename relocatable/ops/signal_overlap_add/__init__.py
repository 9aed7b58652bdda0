"""SignalOverlapAdd: signals of overlapping frames. The reference is TFLite Micro."""

from __future__ import annotations

import math

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Tensor
from relocatable.ops._shared.signal import (
    TYPE_OPTION,
    memory_tensor,
    random_outer,
    remembering,
    shapes_text,
    signal_kind,
    type_number,
    type_option,
    whole_options,
)
from relocatable.ops._shared.types import kept_type
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("OverlapAdd")
_TYPES = ("int16", "float32")


def added_step(node: Node) -> Seen:
    """input must be [.., N, S], and frame_step at least 1 and at most S"""
    shape, step = node.inputs[0].shape, node.integer("frame_step")
    return len(shape) >= 2 and 1 <= step <= shape[-1], f"{step} of {list(shape)}"


def added_shape(node: Node) -> Seen:
    """output must be [.., N * frame_step] for an input [.., N, S]"""
    *outer, count, _ = node.inputs[0].shape
    return node.output.shape == (*outer, count * node.integer("frame_step")), shapes_text(node)


def memory(node: Node) -> Tensor:
    """Describe the sums that are not whole yet."""
    *outer, _, size = node.inputs[0].shape
    return memory_tensor(node, (math.prod(outer), size), node.output.dtype)


def lower_overlap_add(site: Site) -> KernelCall:
    """Lower the sums of int16 or float32."""
    *outer, count, size = site.input(0).shape
    params: dict[str, CValue] = {"outer": math.prod(outer), "frames": count, "size": size}
    params["step"] = site.int_attr("frame_step")
    pointers = (Input(0), Output(index=1), Output())
    call = CCall("xn_signal_overlap_add", pointers, params, dtype=site.output.dtype)
    source = "signal_overlap_add/signal_overlap_add.c"
    return site.call(source, call, inputs=(0, 1), updates={1: 1})


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, Array]:
    """Add each frame to what is there, saturated; give the beginning."""
    *outer, count, size = node.inputs[0].shape
    step, dtype = node.integer("frame_step"), inputs[0].dtype
    frames, sums = inputs[0].reshape(math.prod(outer), count, size), inputs[1]
    given = []
    for frame in frames.swapaxes(0, 1):
        if dtype == np.float32:
            sums = sums + frame
        else:
            sums = np.clip(sums.astype(np.int32) + frame, -32768, 32767).astype(dtype)
        given.append(sums[:, :step])
        sums = np.concatenate([sums[:, step:], np.zeros_like(sums[:, :step])], axis=1)
    return np.stack(given, axis=1).reshape(node.output.shape), sums


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one sum."""
    count, size = (int(v) for v in rng.integers(1, 20, 2))
    step, outer = int(rng.integers(1, size + 1)), random_outer(rng)
    b = GraphBuilder()
    x = b.input(*outer, count, size, dtype=dtype, quant=None)
    y = b.tensor(*outer, count * step, dtype=dtype, quant=None)
    state = b.state(math.prod(outer), size, dtype=dtype, quant=None)
    attrs = {TYPE_OPTION: type_number(dtype), "frame_step": step}
    b.op(KIND, (x, state.first), y, state.last, **attrs)
    return b.graph(y)


OPERATORS = (
    remembering(
        Operator(
            kind=KIND,
            options=whole_options(TYPE_OPTION, "frame_step"),
            operands=(Operand("input", _TYPES),),
            output=_TYPES,
            rules=(kept_type, type_option, added_step),
            shape=added_shape,
            kernels=(Kernel(lower_overlap_add),),
            evaluate=evaluate,
            reference="TFLite Micro",
            version=1,
            samples=samples(sample, _TYPES),
        ),
        memory,
    ),
)
