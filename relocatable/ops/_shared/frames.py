"""Overlapping frames of values that come one part at a time.

What is remembered is followed by what comes: that is a frame, and its end is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relocatable.ops.node import Node
from relocatable.ops.operator import Array
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CPointer, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall


@dataclass(frozen=True)
class Frames:
    """The way frames are made.

    Attributes:
        outer: independent sequences.
        count: frames that a run makes of each.
        step: new values of a frame.
        size: values of a frame.
        history: values that are remembered, size - step or more.
        needed: frames that must have come before the first is whole.
    """

    outer: int
    count: int
    step: int
    size: int
    history: int
    needed: int = 0

    def lower(self, site: Site, tells_whole: bool = False) -> KernelCall:
        """Make the call; the memory is the second input and the last output."""
        params: dict[str, CValue] = {"outer": self.outer, "frames": self.count}
        params |= {"step": self.step, "size": self.size}
        params |= {"history": self.history, "needed": self.needed}
        last = 2 if tells_whole else 1
        pointers: list[CPointer] = [Input(0), Output(index=last), Output()]
        function = "xn_frames"
        if tells_whole:
            function = "xn_whole_frames"
            pointers.append(Output(index=1))
        dtype = site.output.dtype
        call = CCall(function, pointers, params, "xn_frames_params", dtype)
        return site.call("_shared/frames.c", call, inputs=(0, 1), updates={1: last})

    def evaluate(self, node: Node, inputs: list[Array]) -> tuple[Array, Array]:
        """Make the frames as an operator's output, and what its memory is then."""
        frames, past = self.make(*inputs)
        kept = past.reshape(inputs[1].shape) if past.size else inputs[1]
        return frames.reshape(node.output.shape), kept

    def make(self, values: Array, past: Array) -> tuple[Array, Array]:
        """Make frames [outer, count, size], and what is remembered [outer, history]."""
        past = past.reshape(-1)[: self.outer * self.history].reshape(self.outer, self.history)
        frames = []
        for part in values.reshape(self.outer, self.count, self.step).swapaxes(0, 1):
            window = np.concatenate([past, part], axis=1)
            frames.append(window[:, : self.size])
            past = window[:, self.step :]
        return np.stack(frames, axis=1), past
