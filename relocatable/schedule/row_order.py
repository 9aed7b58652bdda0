"""The row schedule of a pipeline, and the heights of its line buffers.

The last layer asks for its next rows; what they need is made first, and so on up the pipeline.
Nothing is made twice, and nothing before it is asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from relocatable.graph.graph import Graph
from relocatable.steps.kernel_call import KernelCall, Rows, RowTask


@dataclass(frozen=True)
class RowOrder:
    """The tasks of a pipeline, and the memory that they need.

    Attributes:
        tasks: in their order.
        heights: tensor that is never whole -> rows that its buffer must hold.
        headroom: whole input -> bytes by which it must begin above the first whole output, if that
            is written over it.
    """

    tasks: tuple[RowTask, ...]
    heights: dict[int, int]
    headroom: dict[int, int]


def order_rows(
    graph: Graph,
    parts: Sequence[KernelCall],
    buffered: Collection[int],
    rows_at_once: Sequence[int],
) -> RowOrder:
    """Play a pipeline.

    Args:
        graph: the network.
        parts: layers with `rows`, in the order of the program; the last one asks.
        buffered: of the tensors that they make, those that need not become whole.
        rows_at_once: how many rows each layer makes at most.
    """
    play = _Play(graph, parts, rows_at_once)
    for part, call in reversed(list(enumerate(parts))):
        if call.outputs[0] not in buffered:
            play.make(part, play.height[call.outputs[0]])
    return RowOrder(*play.buffered_tasks(buffered), play.headroom())


@dataclass(frozen=True)
class _Made:
    """The rows [first, first + rows) that a layer made; those above `kept` may go."""

    part: int
    first: int
    rows: int
    kept: int


class _Play:
    def __init__(self, graph: Graph, parts: Sequence[KernelCall], at_once: Sequence[int]) -> None:
        self.parts = parts
        self.at_once = at_once
        self.done: list[_Made] = []
        tensors = {i for call in parts for i in (*call.inputs, *call.outputs)}
        self.height = {i: graph.tensors[i].shape[1] for i in tensors}
        self.row_bytes = {i: graph.tensors[i].size_bytes // self.height[i] for i in tensors}
        self.maker = {call.outputs[0]: part for part, call in enumerate(parts)}
        self.made = {i: 0 if i in self.maker else self.height[i] for i in tensors}
        self.readers = {i: [c for c in parts if i in c.inputs] for i in tensors}
        self.inputs = [i for i in sorted(tensors) if i not in self.maker]
        self.gaps = dict.fromkeys(self.inputs, 0)

    def make(self, part: int, upto: int) -> None:
        """Make rows of a layer's output until there are so many."""
        call = self.parts[part]
        out = call.outputs[0]
        while self.made[out] < upto:
            first = self.made[out]
            rows = min(self.at_once[part], upto - first)
            for i in call.inputs:
                if i in self.maker:
                    self.make(self.maker[i], self._needed(call, i, first + rows))
            self._note_gaps(out, first + rows)
            self.done.append(_Made(part, first, rows, self._first_needed(out)))
            self.made[out] = first + rows

    def buffered_tasks(
        self, buffered: Collection[int]
    ) -> tuple[tuple[RowTask, ...], dict[int, int]]:
        """Return the tasks, in which rows leave only full buffers, and the heights."""
        heights = dict.fromkeys(buffered, 0)
        for m in self.done:
            out = self.parts[m.part].outputs[0]
            if out in heights:
                heights[out] = max(heights[out], m.first + m.rows - m.kept)
        top = dict.fromkeys(buffered, 0)
        tasks = []
        for m in self.done:
            out, drop = self.parts[m.part].outputs[0], 0
            if out in heights and m.first + m.rows - top[out] > heights[out]:
                drop = m.kept - top[out]
                top[out] = m.kept
            tasks.append(RowTask(m.part, m.rows, drop))
        return tuple(tasks), heights

    def headroom(self) -> dict[int, int]:
        """See `RowOrder`."""
        return {i: -(-gap // 16) * 16 for i, gap in self.gaps.items()}

    def _needed(self, call: KernelCall, source: int, upto: int) -> int:
        """Count the rows of an input that so many rows of the output need."""
        return _rows(call).access.span(upto - 1, upto, self.height[source])[1]

    def _first_needed(self, index: int) -> int:
        """Find the first row of a tensor that will be read."""
        first = self.made[index]
        for call in self.readers[index]:
            made = self.made[call.outputs[0]]
            if made < self.height[call.outputs[0]]:
                access = _rows(call).access
                first = min(first, access.span(made, made + 1, self.height[index])[0])
        return first

    def _note_gaps(self, out: int, upto: int) -> None:
        if out == self.parts[-1].outputs[0]:
            for i in self.inputs:
                gap = upto * self.row_bytes[out] - self._first_needed(i) * self.row_bytes[i]
                self.gaps[i] = max(self.gaps[i], gap)


def _rows(call: KernelCall) -> Rows:
    assert call.rows is not None
    return call.rows
