"""Check a memory plan by playing what bytes hold, with none of the planner's code."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from relocatable.errors import PlanError
from relocatable.graph.graph import Graph
from relocatable.ops import views
from relocatable.steps.kernel_call import CalledGraph, KernelCall, Plan, RowTask

_ALIGN = 16
_NOBODY = -1
_SCRATCH = -2


def check_plan(graph: Graph, calls: Sequence[KernelCall], plan: Plan) -> None:
    """Check that every step finds its inputs whole, and the caller the outputs.

    Raises:
        PlanError: names the step, the tensor that is damaged and the one that damages it.
    """
    arena = _Arena(graph, plan)
    given = (*graph.inputs, *(state.first for state in graph.states))
    for index in given:
        arena.write(index)
    for index in given:
        arena.read(index, "before the first step")
    _check_states(arena, calls)
    for step, call in enumerate(calls):
        place = f"step {step} {call.kind} '{call.name}'"
        for index in call.inputs:
            if index != -1 and not arena.is_constant(index):
                arena.read(index, place)
        scratch = _check_scratch(arena, call, plan.scratch_offset.get(step), place)
        moved_up = plan.moved_up(call)
        for called in call.called:
            _check_called(graph, call, called, place)
        if call.pipeline is not None or moved_up is not None:
            _play_rows(arena, call, scratch, moved_up, place)
            continue
        _check_step(arena, call, scratch, place)
        arena.fill(scratch, _SCRATCH)
        for index in call.outputs:
            arena.write(index)
    read = {i for call in calls for i in call.inputs} | set(views(graph).values())
    unread = [i for call in calls for i in call.outputs if i not in read]
    for index in (*graph.kept, *unread):
        arena.read(index, "after the last step")


Span = tuple[int, int]


class _Run(NamedTuple):
    """What neighbours hold: byte `address + shift` of a tensor at each address."""

    holder: int
    shift: int


class _Memory:
    """The arena's bytes as runs: an access costs as much as the runs that it meets."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.starts = [0]
        self.runs = [_Run(_NOBODY, 0)]

    def put(self, start: int, stop: int, run: _Run) -> None:
        """Let bytes hold something else."""
        if start >= stop:
            return
        first, last = self._cut(start), self._cut(stop)
        if first and self.runs[first - 1] == run:  # one with its neighbour
            self.starts[first:last], self.runs[first:last] = [], []
        else:
            self.starts[first:last], self.runs[first:last] = [start], [run]

    def parts(self, start: int, stop: int) -> Iterator[tuple[int, int, _Run]]:
        """Yield the runs in [start, stop), cut to it."""
        at = bisect_right(self.starts, start) - 1
        ends = [*self.starts[at + 1 : bisect_left(self.starts, stop)], stop]
        for offset, end in enumerate(ends):
            yield max(start, self.starts[at + offset]), end, self.runs[at + offset]

    def move(self, start: int, size: int, to: int) -> None:
        """Move bytes as C's memmove does."""
        by = to - start
        for first, last, run in list(self.parts(start, start + size)) if size > 0 else ():
            self.put(first + by, last + by, run._replace(shift=run.shift - by))

    def _cut(self, at: int) -> int:
        """Let a run begin at a byte; return its index."""
        index = bisect_left(self.starts, at)
        if index == len(self.starts) or self.starts[index] != at:
            self.starts.insert(index, at)
            self.runs.insert(index, self.runs[index - 1])
        return index


class _Arena:
    """The arena, whose bytes know which byte of which tensor they hold."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph = graph
        self.plan = plan
        self.memory = _Memory(plan.arena_bytes)
        self.same_bytes = views(graph)

    def is_constant(self, index: int) -> bool:
        return self.graph.tensors[index].data is not None

    def span(self, index: int) -> Span:
        tensor = self.graph.tensors[index]
        if index not in self.plan.offsets:
            raise PlanError(f"tensor '{tensor.name}': must have a place in the arena; has none")
        return self.bounded(f"tensor '{tensor.name}'", self.plan.offsets[index], tensor.size_bytes)

    def bounded(self, what: str, offset: int, size: int) -> Span:
        if offset % _ALIGN or offset < 0 or offset + size > self.memory.size:
            raise PlanError(
                f"{what}: bytes must lie in [0, {self.memory.size}), aligned to {_ALIGN}; "
                f"are [{offset}, {offset + size})"
            )
        return offset, offset + size

    def fill(self, span: Span, who: int) -> None:
        self.memory.put(*span, _Run(who, 0))

    def write(self, index: int) -> None:
        start, stop = self.span(index)
        self.put(index, start, 0, stop - start)

    def put(self, index: int, at: int, first: int, size: int) -> None:
        """Write bytes of a tensor, from `first` on, to a place."""
        self.memory.put(at, at + size, _Run(index, first - at))

    def read(self, index: int, place: str) -> None:
        """Check that the tensor, or the one that it is a view of, is there whole."""
        start, stop = self.span(index)
        self.find(index, start, 0, stop - start, place)

    def find(self, index: int, at: int, first: int, size: int, place: str) -> None:
        """Check that bytes of a tensor, from `first` on, are at a place."""
        value = index
        while value in self.same_bytes:
            value = self.same_bytes[value]
        for _, _, run in self.memory.parts(at, at + size) if size > 0 else ():
            if run == _Run(value, first - at):
                continue
            raise PlanError(
                f"{place}: tensor '{self.graph.tensors[index].name}' must be whole; "
                f"{self.name(run.holder)} lies on it"
            )

    def name(self, holder: int) -> str:
        if holder == _NOBODY:
            return "unwritten memory"
        if holder == _SCRATCH:
            return "scratch"
        return f"tensor '{self.graph.tensors[holder].name}'"


def _check_states(arena: _Arena, calls: Sequence[KernelCall]) -> None:
    """Check that states keep their places, in a part of their own."""
    graph, plan = arena.graph, arena.plan
    part = arena.bounded("states", plan.state_offset, plan.state_bytes)
    places = set()
    for state in graph.states:
        first, last = arena.span(state.first), arena.span(state.last)
        if first != last or first[0] < part[0] or first[1] > part[1]:
            raise PlanError(
                f"state '{graph.tensors[state.first].name}': must begin and end a run at one place "
                f"in {part}; is at {first} and {last}"
            )
        places.add(first)
    for index in plan.offsets:
        span = arena.span(index)
        # A view of a state may be its first values alone.
        is_in_place = any(a == span[0] and span[1] <= b for a, b in places)
        if _overlap(span, part) and not is_in_place:
            what = f"tensor '{graph.tensors[index].name}'"
            raise PlanError(f"{what}: must be apart from the states in {part}; is at {span}")
    for step, offset in plan.scratch_offset.items():
        span = offset, offset + calls[step].scratch_bytes
        if _overlap(span, part):
            what = f"scratch of step {step}"
            raise PlanError(f"{what}: must be apart from the states in {part}; is at {span}")


def _check_scratch(arena: _Arena, call: KernelCall, offset: int | None, place: str) -> Span:
    if not call.scratch_bytes:
        return 0, 0
    if offset is None:
        raise PlanError(f"{place}: scratch must have a place in the arena; has none")
    return arena.bounded(f"{place} scratch", offset, call.scratch_bytes)


def _check_called(graph: Graph, call: KernelCall, called: CalledGraph, place: str) -> None:
    """Check the plan of a graph that a step calls, and that its states fit the ports."""
    plan, states = called.plan, called.graph.states
    if plan is None or called.own_bytes > call.scratch_bytes:
        raise PlanError(f"{place}: scratch must hold the memory of every graph that is called")
    check_plan(called.graph, called.calls, plan)
    for state, port in zip(states, call.ports, strict=True):
        first, outer = called.graph.tensors[state.first], graph.tensors[port]
        is_changed = state.first != state.last
        reached = call.outputs if is_changed else (*call.inputs, *call.outputs)
        if port not in reached or first.size_bytes != outer.size_bytes:
            raise PlanError(
                f"{place}: '{first.name}' must lie at one of the step's tensors, of "
                f"{first.size_bytes} bytes; is at '{outer.name}' of {outer.size_bytes}"
            )


def _check_step(arena: _Arena, call: KernelCall, scratch: Span, place: str) -> None:
    """Check that a step's blocks are apart, but for the takeover its kernel allows."""
    written = _written(arena, call, scratch, place)
    for at, index in enumerate(call.inputs):
        if index == -1 or arena.is_constant(index):
            continue
        source = arena.span(index)
        for what, target in written.items():
            allowed = what == "output 0" and at in call.in_place and source[0] == target[0]
            updated = at in call.updates and what == f"output {call.updates[at]}"
            allowed = allowed or (updated and source == target)
            if _overlap(source, target) and not allowed:
                raise PlanError(
                    f"{place}: {what} must be apart from input tensor "
                    f"'{arena.graph.tensors[index].name}'; are at {target} and {source}"
                )


def _written(arena: _Arena, call: KernelCall, scratch: Span, place: str) -> dict[str, Span]:
    """Find what a step writes; check that its parts are apart."""
    written = {f"output {n}": arena.span(i) for n, i in enumerate(call.outputs)}
    written["scratch"] = scratch
    for (a, x), (b, y) in combinations(written.items(), 2):
        if _overlap(x, y):
            raise PlanError(f"{place}: {a} and {b} must be apart; are at {x} and {y}")
    return written


def _play_rows(
    arena: _Arena, call: KernelCall, scratch: Span, moved_up: tuple[int, int] | None, place: str
) -> None:
    """Play a step by rows: each task finds what it reads, and writes apart from it."""
    _written(arena, call, scratch, place)
    at = {i: arena.span(i)[0] for i in (*call.inputs, *call.outputs)}
    if moved_up is not None:
        index, headroom = moved_up
        size = arena.graph.tensors[index].size_bytes
        arena.bounded(f"{place} moved up", at[index] + headroom, size)
        arena.memory.move(at[index], size, at[index] + headroom)
        at[index] += headroom
    parts: Sequence[KernelCall]
    if call.pipeline is None:
        if call.rows is None or not call.rows.in_order:
            raise PlanError(f"{place}: input 0 may be moved up only where rows are made in order")
        height = arena.graph.tensors[call.outputs[0]].shape[1]
        parts, tasks, own = (call,), (RowTask(0, 1, 0),) * height, scratch
    else:
        parts, tasks = call.pipeline.parts, call.pipeline.tasks
        own = scratch[0] + call.pipeline.scratch_offset, scratch[1]
        at |= {i: scratch[0] + offset for i, offset in call.pipeline.buffers.items()}
    buffers = _LineBuffers(arena, at, place)
    for task in tasks:
        buffers.task(parts[task.part], task, own)
    for index in call.outputs:
        arena.read(index, place)


class _LineBuffers:
    """The line buffers: some rows of each tensor, one after another in the arena."""

    def __init__(self, arena: _Arena, at: Mapping[int, int], place: str) -> None:
        self.arena = arena
        self.at = at
        self.place = place
        self.first = dict.fromkeys(at, 0)
        self.made = dict.fromkeys(at, 0)

    def task(self, call: KernelCall, task: RowTask, scratch: Span) -> None:
        """Make a layer's next rows."""
        out = call.outputs[0]
        self.drop(out, task.drop)
        first, last = self.made[out], self.made[out] + task.rows
        target = self.rows(out, first, last)
        if target[1] > self.arena.memory.size:
            raise PlanError(f"{self.place}: rows must lie in the arena; are at {target}")
        for span in (scratch, *self.read(call, first, last)):
            if _overlap(span, target):
                raise PlanError(
                    f"{self.place}: rows of tensor '{self.arena.graph.tensors[out].name}' must be "
                    f"written apart from what is in use; are at {target} and {span}"
                )
        self.arena.fill(scratch, _SCRATCH)
        self.arena.put(out, target[0], first * self.row_bytes(out), target[1] - target[0])
        self.made[out] = last

    def read(self, call: KernelCall, first: int, last: int) -> Iterator[Span]:
        """Yield the places of what rows [first, last) of the output need; all must exist."""
        rows = call.rows
        if rows is None:
            raise PlanError(f"{self.place}: {call.kind} must be one that can be done by rows")
        for index in call.inputs:
            top, end = rows.access.span(first, last, self.height(index))
            if end > top:
                start, stop = self.rows(index, top, end)
                byte = top * self.row_bytes(index)
                self.arena.find(index, start, byte, stop - start, self.place)
                yield start, stop

    def drop(self, index: int, rows: int) -> None:
        start, stop = self.rows(index, self.first[index] + rows, self.made[index])
        self.arena.memory.move(start, stop - start, self.at[index])
        self.first[index] += rows

    def rows(self, index: int, first: int, last: int) -> Span:
        """Find the place of rows [first, last)."""
        start = self.at[index] - self.first[index] * self.row_bytes(index)
        return start + first * self.row_bytes(index), start + last * self.row_bytes(index)

    def height(self, index: int) -> int:
        return self.arena.graph.tensors[index].shape[1]

    def row_bytes(self, index: int) -> int:
        return self.arena.graph.tensors[index].size_bytes // self.height(index)


def _overlap(a: Span, b: Span) -> bool:
    return a[0] < b[1] and b[0] < a[1]
