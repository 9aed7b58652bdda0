"""Operators that only move values: each is a NumPy view.

The view of the input's values is the operator's meaning. To lower it, NumPy is given an array of
the right shape whose elements are never looked at: the strides of what comes back are the loops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph
from relocatable.ops._shared.random import random_quant
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Sample,
    Seen,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

# Of the input's values, each output's, in its order: views, of any shape with as many values.
Views = Callable[[Node, Array], Sequence[Array]]

_LOOPS = 8  # of the kernel
MOVE = "_shared/move.c"


class Loop(NamedTuple):
    """A loop of a move: its length, and elements that each step moves by."""

    size: int
    source: int
    target: int


class Move(NamedTuple):
    """A move of values: its first elements and its loops, outermost first."""

    source: int
    target: int
    loops: tuple[Loop, ...]

    @property
    def is_copy(self) -> bool:
        """Whether it keeps all values as they are, from the first on."""
        return (self.source, self.target) == (0, 0) and all(
            loop.source == loop.target == 1 for loop in self.loops
        )


def outline(shape: Sequence[int]) -> Array:
    """Return an array without values; its strides count elements."""
    strides = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    return np.lib.stride_tricks.as_strided(np.empty(1, np.int8), tuple(shape), strides)


def move_between(whole: Array, view: Array, target: Sequence[int]) -> Move:
    """Find the loops that read a view and write an array in order."""
    return _move(_start(whole, view), 0, view.shape, view.strides, outline(target).strides)


def move_into(whole: Array, view: Array) -> Move:
    """Find the loops that read an array in order and write a view."""
    return _move(0, _start(whole, view), view.shape, outline(view.shape).strides, view.strides)


def move_views(source: Array, read: Array, target: Array, written: Array) -> Move:
    """Find the loops that read a view of one array and write one of another."""
    starts = _start(source, read), _start(target, written)
    return _move(*starts, read.shape, read.strides, written.strides)


def _start(whole: Array, view: Array) -> int:
    start = view.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    assert view.size == 0 or 0 <= start < whole.size, "must be a view"
    return int(start)


def _move(
    source: int, target: int, shape: Sequence[int], read: Sequence[int], written: Sequence[int]
) -> Move:
    loops: list[Loop] = []
    for loop in map(Loop, shape, read, written):
        if loop.size == 1:
            continue
        outer = loops[-1] if loops else None
        if outer and (outer.source, outer.target) == (
            loop.size * loop.source,
            loop.size * loop.target,
        ):
            loops[-1] = Loop(outer.size * loop.size, loop.source, loop.target)
        else:
            loops.append(loop)
    return Move(source, target, tuple(loops))


@dataclass(frozen=True)
class Movement:
    """An operator that only moves the values of one input.

    Attributes:
        views: its meaning.
        source: index of that input.
    """

    views: Views
    source: int = 0

    def operator(
        self,
        kind: str,
        operands: tuple[Operand, ...],
        sampled: Mapping[str, Sample],
        *,
        options: Options | None = None,
        outputs: tuple[int, int] = (1, 1),
        version: int = 2,
    ) -> Operator:
        """Describe the operator: see `Operator` for what is given."""
        return Operator(
            kind=kind,
            options=options,
            operands=operands,
            output=ANY,
            outputs=outputs,
            rules=(self.keeps_type,),
            shape=self.takes,
            kernels=(Kernel(self.lower),),
            evaluate=self.evaluate,
            folds="constants",
            is_view=self.keeps_all,
            version=version,
            samples=sampled,
        )

    def moves(self, node: Node) -> list[Move]:
        """Find the loops that fill each output."""
        whole = outline(node.inputs[self.source].shape)
        return [move_between(whole, view, view.shape) for view in self.views(node, whole)]

    def keeps_type(self, node: Node) -> Seen:
        """every output must have the input's type"""
        seen = [node.inputs[self.source].dtype, *(t.dtype for t in node.outputs)]
        return len(set(seen)) == 1, " -> ".join(seen)

    def takes(self, node: Node) -> Seen:
        """each output must have the shape that the options and constants say, and must be moved as
        at most 8 runs of neighbours"""
        source = node.inputs[self.source].shape
        try:
            found = self.moves(node)
        except (ValueError, IndexError) as error:
            return False, f"{list(source)}: {error}"
        counts = [math.prod(loop.size for loop in move.loops) for move in found]
        runs = max((len(move.loops) for move in found), default=0)
        text = f"{list(source)} -> {[list(t.shape) for t in node.outputs]}, {runs} runs"
        return counts == [t.count for t in node.outputs] and runs <= _LOOPS, text

    def keeps_all(self, node: Node) -> bool:
        """Tell whether the output is the input, byte by byte."""
        return len(node.outputs) == 1 and self.source == 0 and self.moves(node)[0].is_copy

    def evaluate(self, node: Node, inputs: list[Array]) -> tuple[Array, ...]:
        """Move values."""
        pairs = zip(self.views(node, inputs[self.source]), node.outputs, strict=True)
        return tuple(view.reshape(output.shape) for view, output in pairs)

    def lower(self, site: Site) -> KernelCall:
        """Make a call for each output."""
        found = self.moves(site.node)
        calls = [move_call(site, move, 0, i) for i, move in enumerate(found)]
        return site.call(MOVE, *calls, inputs=(self.source,))


def move_call(site: Site, move: Move, source: int | str, target: int) -> CCall:
    """Make the call of a move, in the widest elements that its runs allow.

    Args:
        site: of the operator.
        move: what is moved.
        source: index of the input, or key of a constant.
        target: index of the output.
    """
    move, width = _widen(move, np.dtype(site.output.dtype).itemsize)
    loops = [Loop(1, 0, 0)] * (_LOOPS - len(move.loops)) + list(move.loops)
    params: dict[str, CValue] = {
        "in_start": move.source,
        "out_start": move.target,
        "size": [loop.size for loop in loops],
        "in": [loop.source for loop in loops],
        "out": [loop.target for loop in loops],
    }
    # Values are only moved: types of one width share an instance.
    bits = f"uint{8 * width}"
    read = Input(source, f"{bits}_t") if isinstance(source, int) else Constant(source)
    pointers = (read, Output(f"{bits}_t", target))
    return CCall("xn_move", pointers, params, dtype=bits)


def _widen(move: Move, width: int) -> tuple[Move, int]:
    """Take several elements of an unbroken run as one of up to 4 bytes."""
    while width < 4 and move.loops and move.loops[-1][1:] == (1, 1):
        *outer, run = move.loops
        numbers = [move.source, move.target, run.size, *(n for loop in outer for n in loop[1:])]
        if any(number % 2 for number in numbers):
            break
        wide = [Loop(loop.size, loop.source // 2, loop.target // 2) for loop in outer]
        last = [Loop(run.size // 2, 1, 1)] if run.size > 2 else []
        move, width = Move(move.source // 2, move.target // 2, (*wide, *last)), 2 * width
    return move, width


def move_sample(
    rng: Rng,
    kind: str,
    dtype: str,
    source: Iterable[int],
    output: Iterable[int],
    constants: Sequence[object] = (),
    **attrs: AttrValue,
) -> Graph:
    """Make a graph of one operator that moves values; input and output have one scale.

    Args:
        rng: source of the scale.
        kind: of the operator.
        dtype: of input and output.
        source: shape of the input.
        output: shape of the output.
        constants: the further inputs.
        attrs: of the operator.
    """
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    inputs = [b.input(*map(int, source), dtype=dtype, quant=quant), *map(b.constant, constants)]
    return b.graph(
        b.op(kind, inputs, b.tensor(*map(int, output), dtype=dtype, quant=quant), **attrs)
    )
