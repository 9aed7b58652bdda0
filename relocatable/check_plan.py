"""Plays a memory plan byte by byte: who wrote what each step reads? None of the planner's code."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from relocatable.errors import PlanError
from relocatable.graph import Graph
from relocatable.kernel_call import KernelCall
from relocatable.plan_memory import Plan

_ALIGN = 16
_NOBODY = -1
_SCRATCH = -2


def check_plan(graph: Graph, calls: Sequence[KernelCall], plan: Plan) -> None:
    """Checks that every step finds its inputs whole, and the caller the outputs.

    Raises:
        PlanError: names the step, the tensor that is damaged and the one that lies on it.
    """
    arena = _Arena(graph, plan)
    for index in graph.inputs:
        arena.write(index)
    for index in graph.inputs:
        arena.read(index, "before the first step")
    for step, call in enumerate(calls):
        place = f"step {step} {call.kind} '{call.name}'"
        inputs = [i for i in call.inputs if i != -1 and not arena.is_constant(i)]
        for index in inputs:
            arena.read(index, place)
        _check_step(arena, call, plan.scratch_offset.get(step), place)
        if call.scratch_bytes:
            arena.fill(plan.scratch_offset[step], call.scratch_bytes, _SCRATCH)
        for index in call.outputs:
            arena.write(index)
    read = {i for call in calls for i in call.inputs} | {
        i for op in graph.ops if op.kind == "RESHAPE" for i in op.inputs
    }
    unread = [i for call in calls for i in call.outputs if i not in read]
    for index in (*graph.outputs, *unread):
        arena.read(index, "after the last step")


class _Arena:
    """The arena, of which each byte knows which tensor's value it holds."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph = graph
        self.plan = plan
        self.holder: npt.NDArray[np.int32] = np.full(plan.arena_bytes, _NOBODY, np.int32)
        self.same_bytes = {op.outputs[0]: op.inputs[0] for op in graph.ops if op.kind == "RESHAPE"}

    def is_constant(self, index: int) -> bool:
        return self.graph.tensors[index].data is not None

    def span(self, index: int) -> tuple[int, int]:
        tensor = self.graph.tensors[index]
        if index not in self.plan.offsets:
            raise PlanError(f"tensor '{tensor.name}': must have a place in the arena; has none")
        return self.bounded(f"tensor '{tensor.name}'", self.plan.offsets[index], tensor.size_bytes)

    def bounded(self, what: str, offset: int, size: int) -> tuple[int, int]:
        if offset % _ALIGN or offset < 0 or offset + size > len(self.holder):
            raise PlanError(
                f"{what}: bytes must lie in [0, {len(self.holder)}), aligned to {_ALIGN}; "
                f"are [{offset}, {offset + size})"
            )
        return offset, offset + size

    def fill(self, offset: int, size: int, who: int) -> None:
        self.holder[offset : offset + size] = who

    def write(self, index: int) -> None:
        start, stop = self.span(index)
        self.fill(start, stop - start, index)

    def read(self, index: int, place: str) -> None:
        """Checks that the tensor, or the one that it is a RESHAPE of, is there whole."""
        start, stop = self.span(index)
        value = index
        while value in self.same_bytes:
            value = self.same_bytes[value]
        others = self.holder[start:stop][self.holder[start:stop] != value]
        if others.size:
            raise PlanError(
                f"{place}: tensor '{self.graph.tensors[index].name}' must be whole; "
                f"{self.name(int(others[0]))} lies on it"
            )

    def name(self, holder: int) -> str:
        if holder == _NOBODY:
            return "unwritten memory"
        if holder == _SCRATCH:
            return "scratch"
        return f"tensor '{self.graph.tensors[holder].name}'"


def _check_step(arena: _Arena, call: KernelCall, scratch: int | None, place: str) -> None:
    """Checks that what one step touches is apart, but for the takeover that its kernel allows."""
    if call.scratch_bytes and scratch is None:
        raise PlanError(f"{place}: scratch must have a place in the arena; has none")
    written = {f"output {n}": arena.span(i) for n, i in enumerate(call.outputs)}
    if scratch is not None:
        written["scratch"] = arena.bounded(f"{place} scratch", scratch, call.scratch_bytes)
    for (a, x), (b, y) in combinations(written.items(), 2):
        if _overlap(x, y):
            raise PlanError(f"{place}: {a} and {b} must be apart; are at {x} and {y}")
    for at, index in enumerate(call.inputs):
        if index == -1 or arena.is_constant(index):
            continue
        source = arena.span(index)
        for what, target in written.items():
            allowed = what == "output 0" and at in call.in_place and source[0] == target[0]
            if _overlap(source, target) and not allowed:
                raise PlanError(
                    f"{place}: {what} must be apart from input tensor "
                    f"'{arena.graph.tensors[index].name}'; are at {target} and {source}"
                )


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]
