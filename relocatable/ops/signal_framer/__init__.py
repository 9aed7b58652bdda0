"""SignalFramer: overlapping frames of signals. The reference is TFLite Micro.

TFLite Micro leaves a frame that is not whole yet as it was in memory; here it is 0.
"""

from __future__ import annotations

import math

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Tensor
from relocatable.ops._shared.frames import Frames
from relocatable.ops._shared.signal import (
    memory_tensor,
    output_types,
    random_outer,
    remembering,
    shapes_text,
    signal_kind,
    whole_options,
)
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("Framer")
_MOST = 32767  # values of a frame


def frame_sizes(node: Node) -> Seen:
    """frame_step must be at least 1 and at most frame_size, which must be at most 32767"""
    step, size = node.integer("frame_step"), node.integer("frame_size")
    return 1 <= step <= size <= _MOST, f"{step}, {size}"


def frame_shapes(node: Node) -> Seen:
    """outputs must be [.., N, frame_size] and a scalar for an input [.., N * frame_step]"""
    source, frames, whole = (t.shape for t in (node.inputs[0], *node.outputs[:2]))
    step, size = node.integer("frame_step"), node.integer("frame_size")
    if not source or source[-1] % step or whole != ():
        return False, shapes_text(node)
    return frames == (*source[:-1], source[-1] // step, size), shapes_text(node)


def _frames(node: Node) -> Frames:
    *outer, count, size = node.output.shape
    step = node.integer("frame_step")
    parts = -(-size // step)
    prefilled = bool(node.op.attrs["prefill"])
    history = size - step if prefilled else (parts - 1) * step
    return Frames(math.prod(outer), count, step, size, history, 0 if prefilled else parts - 1)


def memory(node: Node) -> Tensor:
    """Describe the values of frames to come, and the number of frames that came."""
    frames = _frames(node)
    return memory_tensor(node, (frames.outer * frames.history + 1,), "int16")


def lower_framer(site: Site) -> KernelCall:
    """Lower the frames."""
    return _frames(site.node).lower(site, tells_whole=True)


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, ...]:
    """Make frames; those that are not whole are 0."""
    frames = _frames(node)
    made, past = frames.make(*inputs)
    came = int(inputs[1].reshape(-1)[-1])
    late = max(0, frames.needed - came)
    made[:, :late] = 0
    kept = np.append(past.reshape(-1), min(came + frames.count, max(came, frames.needed)))
    return made.reshape(node.output.shape), np.asarray(late == 0), kept.astype(np.int16)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one framer."""
    size, count = (int(v) for v in rng.integers(1, 20, 2))
    step = int(rng.integers(1, size + 1))
    outer, prefilled = random_outer(rng), bool(rng.random() < 0.5)
    b = GraphBuilder()
    x = b.input(*outer, count * step, dtype=dtype, quant=None)
    y, whole = b.tensor(*outer, count, size, dtype=dtype, quant=None), b.tensor(dtype="bool")
    history = size - step if prefilled else -(-size // step) * step - step
    state = b.state(math.prod(outer) * history + 1, dtype=dtype, quant=None)
    b.op(
        *(KIND, (x, state.first), y, whole, state.last),
        frame_size=size,
        frame_step=step,
        prefill=prefilled,
    )
    return b.graph(y, whole)


OPERATORS = (
    remembering(
        Operator(
            kind=KIND,
            options=whole_options("frame_size", "frame_step", flags=("prefill",)),
            operands=(Operand("input", ("int16",)),),
            output=("int16", "bool"),
            outputs=(2, 2),
            rules=(output_types("int16", "bool"), frame_sizes),
            shape=frame_shapes,
            kernels=(Kernel(lower_framer),),
            evaluate=evaluate,
            reference="TFLite Micro",
            version=1,
            samples=samples(sample, ("int16",)),
        ),
        memory,
    ),
)
