"""Plan the memory of graphs that steps call: it is the steps' scratch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from relocatable.schedule.plan_memory import plan_memory
from relocatable.steps.kernel_call import CalledGraph, KernelCall


def plan_called(calls: Sequence[KernelCall]) -> tuple[KernelCall, ...]:
    """Plan the graphs that steps call; a step's scratch is large enough for each."""
    return tuple(_planned(call) if call.called else call for call in calls)


def _planned(call: KernelCall) -> KernelCall:
    called = tuple(_with_plan(graph) for graph in call.called)
    scratch = max(call.scratch_bytes, *(graph.own_bytes for graph in called))
    return replace(call, called=called, scratch_bytes=-(-scratch // 16) * 16)


def _with_plan(called: CalledGraph) -> CalledGraph:
    calls = plan_called(called.calls)
    return replace(called, calls=calls, plan=plan_memory(called.graph, calls))
