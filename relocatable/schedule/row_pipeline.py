"""Join layers to row pipelines: the tensors between them never exist whole.

A row pipeline holds the rows that are still needed of each such tensor in a line buffer, in the
step's scratch. Its output, and that of a single layer whose kernel goes from the top down, may be
written over the input close behind what is read. The steps are cut into pipelines such that the
arena is the smallest for which the rows cost little time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.schedule.plan_memory import lifetimes
from relocatable.schedule.row_order import RowOrder, order_rows
from relocatable.steps.kernel_call import KernelCall, RowPipeline, Rows, RowTask, common_call

_MOST_LAYERS = 24
_MOST_ROWS = 255  # of a task, which is three bytes
_MOST_TASKS = 1500  # of a pipeline: they take flash
# Of a layer's pixels in a task at least so many; the last is all of them in one.
_PIXELS = (1, 24, 96, 384, 1 << 30)
# Instructions, roughly: of a product of int8, of any other, of an output; what vectors leave of
# these; of a task, of a byte that moves.
_PER_MAC, _PER_OTHER, _PER_VALUE, _WITH_VECTORS, _PER_TASK, _PER_MOVED = 1, 5, 8, 0.3, 50, 0.3
_STEP_MACS = 16e6  # of a pipeline's step, about: some 0.2 s on a slow board
_MOST_LOSS = 0.025  # of all instructions, for a smaller arena
# Tasks that are played in all; when they are used up, no more pipelines are tried. A step with all
# its blocks counts as so many tasks.
_MOST_PLAYED, _BLOCKS_PER_TASK = 250_000, 64

# What the order of layers' rows follows from -> the order: a program that is planned several times
# plays most of its pipelines once.
Orders = dict[object, RowOrder]


def plan_rows(
    graph: Graph,
    by_target: Sequence[Sequence[KernelCall]],
    has_vectors: bool,
    memory: int | None = None,
) -> tuple[tuple[KernelCall, ...], ...]:
    """Join steps to pipelines; see `RowPlanner`."""
    return RowPlanner(graph, by_target, has_vectors, {}).plan(memory)


@dataclass(frozen=True)
class _Group:
    """The steps [start, stop) as one.

    Attributes:
        order: None for a single step that makes all rows in one call.
        headroom: as `KernelCall.in_place`, by tensor.
        memory: bytes of the arena that are needed while it runs.
        loss: instructions that the rows cost.
    """

    start: int
    stop: int
    order: RowOrder | None
    headroom: dict[int, int]
    memory: int
    loss: float

    def call(self, graph: Graph, parts: Sequence[KernelCall]) -> KernelCall:
        """Make the step on one target."""
        if self.order is None:
            return replace(parts[0], in_place=_in_place(parts[0], self.headroom))
        return _pipeline_call(graph, parts, self.order, self.headroom)


def _in_place(call: KernelCall, headroom: dict[int, int]) -> dict[int, int]:
    found = {at: up for i, up in headroom.items() for at, x in enumerate(call.inputs) if x == i}
    return {**found, **call.in_place}


def _pipeline_call(
    graph: Graph, parts: Sequence[KernelCall], order: RowOrder, headroom: dict[int, int]
) -> KernelCall:
    made = [call.outputs[0] for call in parts]
    outputs = tuple(i for i in reversed(made) if i not in order.heights)
    inputs = tuple(dict.fromkeys(i for call in parts for i in call.inputs if i not in made))
    buffers, at = {}, 0
    for i, height in order.heights.items():
        buffers[i] = at
        at += _buffer_bytes(graph, i, height)
    first, last = parts[0], parts[-1]
    call = KernelCall(
        kind=first.kind if len(parts) == 1 else f"{first.kind}..{last.kind}",
        name=last.name,
        source="",
        calls=(),
        inputs=inputs,
        outputs=outputs,
        scratch_bytes=at + max(call.scratch_bytes for call in parts),
        macs=sum(call.macs for call in parts),
        pipeline=RowPipeline(
            parts=tuple(parts),
            tasks=order.tasks,
            step_tasks=_step_tasks(graph, parts, order.tasks),
            buffers=buffers,
            scratch_offset=at,
        ),
    )
    return replace(call, in_place=_in_place(call, headroom))


def _step_tasks(
    graph: Graph, parts: Sequence[KernelCall], tasks: Sequence[RowTask]
) -> tuple[int, ...]:
    """Cut the tasks into steps of about the same work."""
    rows = [graph.tensors[call.outputs[0]].shape[1] for call in parts]
    macs = [parts[task.part].macs * task.rows / rows[task.part] for task in tasks]
    steps = max(1, math.ceil(sum(macs) / _STEP_MACS))
    done = np.cumsum(macs) - 0.5 * np.array(macs)
    ends = np.searchsorted(done, sum(macs) * np.arange(1, steps) / steps)
    counts = np.diff([0, *ends, len(tasks)])
    return tuple(int(count) for count in counts if count > 0)


def _buffer_bytes(graph: Graph, index: int, height: int) -> int:
    tensor = graph.tensors[index]
    return -(-tensor.size_bytes // tensor.shape[1] * height // 16) * 16


class RowPlanner:
    """Joins steps to pipelines, the same ones on all targets.

    Args:
        graph: the network.
        by_target: its steps on each target.
        has_vectors: one of them does many products at a time.
        orders: of the same network, from planners before; those of this one are added.
    """

    def __init__(
        self,
        graph: Graph,
        by_target: Sequence[Sequence[KernelCall]],
        has_vectors: bool,
        orders: Orders,
    ) -> None:
        self.graph = graph
        self.by_target = by_target
        self.orders = orders
        self.pace = _WITH_VECTORS if has_vectors else 1.0
        calls = [common_call(step) for step in zip(*by_target, strict=True)]
        self.blocks, self.owner = lifetimes(graph, calls)
        # What becomes a state is written where the state was, when all of that has been read.
        states = {self.owner[state.first] for state in graph.states}
        self.calls = [
            call if states.isdisjoint(self.owner[i] for i in call.outputs) else _whole(call)
            for call in calls
        ]
        self.kept = {self.owner[i] for i in graph.outputs if i in self.owner}
        self.plays = _MOST_PLAYED  # that are left

    def plan(self, memory: int | None) -> tuple[tuple[KernelCall, ...], ...]:
        """Join the steps.

        Args:
            memory: bytes of the arena that should do, or as few as there can be; None: as few as
                cost little time.

        Returns:
            The steps on each target; pipelines in the place of the steps that they do.
        """
        groups = self.best_groups() if memory is None else self.groups_within(memory)
        return tuple(
            tuple(group.call(self.graph, calls[group.start : group.stop]) for group in groups)
            for calls in self.by_target
        )

    def best_groups(self) -> list[_Group]:
        """Find the groups of the smallest arena that costs little time."""
        sizes = sorted({g.memory for groups in self.groups for g in groups})
        if not sizes:
            return []
        without = sum(groups[0].loss for groups in self.groups)
        most = without + _MOST_LOSS * sum(self.work(call) for call in self.calls)
        low, high = 0, len(sizes) - 1
        while low < high:
            middle = (low + high) // 2
            loss, _ = self.cheapest(sizes[middle])
            low, high = (low, middle) if loss <= most else (middle + 1, high)
        return self.cheapest(sizes[low])[1]

    def groups_within(self, memory: int) -> list[_Group]:
        """Find the groups that lose the least time within some memory, or need the least."""
        loss, groups = self.cheapest(memory)
        sizes = sorted({g.memory for groups in self.groups for g in groups if g.memory > memory})
        low, high = 0, len(sizes) - 1
        while loss == math.inf and low < high:
            middle = (low + high) // 2
            found = self.cheapest(sizes[middle])[0] < math.inf
            low, high = (low, middle) if found else (middle + 1, high)
        return groups if loss < math.inf else self.cheapest(sizes[low])[1]

    def cheapest(self, memory: int) -> tuple[float, list[_Group]]:
        """Find the groups that lose the least time within some memory."""
        best: list[tuple[float, list[_Group]]] = [(0.0, [])]
        for groups in self.groups:
            found: tuple[float, list[_Group]] = (float("inf"), [])
            for group in groups:
                loss = best[group.start][0] + group.loss
                if group.memory <= memory and loss < found[0]:
                    found = (loss, [*best[group.start][1], group])
            best.append(found)
        return best[-1]

    @cached_property
    def groups(self) -> list[list[_Group]]:
        """List the groups that may be of use, by their last step.

        A step that needs less than the best that can be had for another is left alone.
        """
        by_last = [list(self.singles(step)) for step in range(len(self.calls))]
        alone = [groups[0].memory for groups in by_last]
        least = 0
        tried: dict[tuple[int, int], list[_Group]] = {}
        for step in sorted(range(len(self.calls)), key=lambda step: -alone[step]):
            if alone[step] <= least:
                break
            found = [group.memory for group in by_last[step]]
            for start, stop in self.spans(step):
                if (start, stop) not in tried and self.plays > 0:
                    tried[start, stop] = list(self.pipelines(start, stop))
                found += [group.memory for group in tried.get((start, stop), ())]
            least = max(least, min(found))
        for (_, stop), groups in tried.items():
            by_last[stop - 1] += groups
        return by_last

    def spans(self, step: int) -> Iterator[tuple[int, int]]:
        """Yield the ranges of steps around one that may be a pipeline."""
        first = last = step
        lowest = max(-1, step - _MOST_LAYERS)
        highest = min(len(self.calls), step + _MOST_LAYERS)
        while first > lowest and self.calls[first].rows is not None:
            first -= 1
        while last < highest and self.calls[last].rows is not None:
            last += 1
        for start in range(max(first + 1, step - _MOST_LAYERS + 1), step + 1):
            for stop in range(step + 1, min(last, start + _MOST_LAYERS) + 1):
                yield start, stop

    def singles(self, step: int) -> Iterator[_Group]:
        """Yield a step in one call, with its output apart from and close behind its input."""
        call = self.calls[step]
        own = {call.inputs[at]: up for at, up in call.in_place.items()}
        if call.rows is not None and call.macs > _STEP_MACS and not own:
            yield from self.long(step, call, call.rows)
            return
        yield self.group(step, step + 1, None, own)
        if call.rows is not None and call.rows.in_order and not own:
            order = self.play([call], (), [1])
            if order is not None:
                yield self.group(step, step + 1, None, order.headroom)

    def long(self, step: int, call: KernelCall, rows: Rows) -> Iterator[_Group]:
        """Yield a step that takes long by rows, too, which can be several steps."""
        height = self.graph.tensors[call.outputs[0]].shape[1]
        most_tasks = _MOST_TASKS if rows.in_order else 4 * call.macs / _STEP_MACS
        at_once = min(math.ceil(height / most_tasks), _MOST_ROWS)
        order = self.play([call], (), [at_once])
        yield self.group(step, step + 1, order, {})
        if order is not None:
            yield self.group(step, step + 1, order, order.headroom)

    def pipelines(self, start: int, stop: int) -> Iterator[_Group]:
        """Yield steps as one, with few and with many rows in a task."""
        parts = self.calls[start:stop]
        if len(parts) == 1 and _rows(parts[0]).in_order:
            return
        made = {call.outputs[0] for call in parts}
        owners = {self.owner[i] for i in made}
        if any(self.owner[i] in owners and i not in made for c in parts for i in c.inputs):
            return  # reads a view of what it makes
        buffered = {i for i in made if self.blocks[self.owner[i]].last < stop} - self.kept
        tried = set()
        for pixels in _PIXELS:
            at_once = tuple(self.rows_at_once(call, pixels) for call in parts)
            if at_once in tried:
                continue
            tried.add(at_once)
            if self.tasks(parts, at_once) > _MOST_TASKS:
                continue
            order = self.play(parts, buffered, at_once)
            if order is None or max(order.heights.values(), default=0) > _MOST_ROWS:
                continue
            yield self.group(start, stop, order, order.headroom)

    def play(
        self, parts: Sequence[KernelCall], buffered: Collection[int], at_once: Sequence[int]
    ) -> RowOrder | None:
        """Order the rows of layers; None if too much has been tried."""
        cost = math.ceil(self.tasks(parts, at_once)) + len(self.blocks) // _BLOCKS_PER_TASK
        if cost > self.plays:
            return None
        self.plays -= cost
        layers = tuple((call.inputs, call.outputs, call.rows) for call in parts)
        key = layers, frozenset(buffered), tuple(at_once)
        if key not in self.orders:
            self.orders[key] = order_rows(self.graph, parts, buffered, at_once)
        return self.orders[key]

    def tasks(self, parts: Sequence[KernelCall], at_once: Sequence[int]) -> float:
        """Count the tasks of layers that make so many rows at once."""
        heights = [self.graph.tensors[call.outputs[0]].shape[1] for call in parts]
        return sum(h / rows for h, rows in zip(heights, at_once, strict=True))

    def rows_at_once(self, call: KernelCall, pixels: int) -> int:
        """Count the rows of a task that has at least so many pixels."""
        _, height, width, _ = self.graph.tensors[call.outputs[0]].shape
        return min(-(-pixels // width), height, _MOST_ROWS)

    def group(
        self, start: int, stop: int, order: RowOrder | None, headroom: dict[int, int]
    ) -> _Group:
        """Join steps; keep those headrooms that save memory."""
        heights = order.heights if order else {}
        parts = self.calls[start:stop]
        buffered = {self.owner[i] for i in heights}
        alive = {
            key: block.size
            for key, block in self.blocks.items()
            if key >= 0 and block.first < stop and block.last >= start and key not in buffered
        }
        total = sum(alive.values()) + max(call.scratch_bytes for call in parts)
        total += sum(_buffer_bytes(self.graph, i, height) for i, height in heights.items())
        output = self.owner[parts[-1].outputs[0]]
        read = {i for call in parts for i in call.inputs}
        saved = {}
        for i, up in headroom.items():
            key = self.owner.get(i)
            if key is None or self.blocks[key].last >= stop:
                continue
            if all(self.owner.get(other) != key for other in read - {i}):
                together = alive[key] + alive[output]
                saved[i] = together - max(alive[key] + up, alive[output])
        useful = sorted((i for i in saved if saved[i] > 0), key=lambda i: (-saved[i], i))
        loss = self.loss(parts, order) if order else 0.0
        if useful and headroom[useful[0]]:
            loss += _PER_MOVED * self.graph.tensors[useful[0]].size_bytes
        total -= max((saved[i] for i in useful), default=0)
        return _Group(start, stop, order, {i: headroom[i] for i in useful}, total, loss)

    def work(self, call: KernelCall) -> float:
        """Estimate the instructions of a step."""
        output = self.graph.tensors[call.outputs[0]]
        is_dense = call.weights and output.dtype == "int8"
        if not is_dense:
            return _PER_OTHER * call.macs + _PER_VALUE * output.count
        return self.pace * (_PER_MAC * call.macs + _PER_VALUE * output.count)

    def loss(self, parts: Sequence[KernelCall], order: RowOrder) -> float:
        """Estimate how many instructions more a pipeline takes than its layers alone."""
        total = 0.0
        for part, call in enumerate(parts):
            rows, out = _rows(call), self.graph.tensors[call.outputs[0]]
            _, height, width, _ = out.shape
            tasks = [task for task in order.tasks if task.part == part]
            rests = sum(-task.rows * width % rows.block for task in tasks)
            dropped = sum(task.drop for task in tasks)
            total += len(tasks) * (_PER_TASK + rows.call_cost)
            total += rests * self.work(call) / (height * width)
            total += dropped * _PER_MOVED * out.size_bytes / height
        return total


def _whole(call: KernelCall) -> KernelCall:
    return replace(call, rows=None, in_place={})


def _rows(call: KernelCall) -> Rows:
    assert call.rows is not None
    return call.rows
