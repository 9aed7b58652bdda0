"""Find the fastest program whose arena fits: RAM is saved where the peak is.

Memory is saved in two ways that cost time: rows in more and smaller tasks, and kernels that need
less scratch. A program is planned as if time alone counted; while it does not fit, it is planned
within the bytes there are, and then again with one more frugal kernel, of a step at the peak.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from relocatable.graph.graph import Graph
from relocatable.schedule.plan_memory import lifetimes
from relocatable.steps.kernel_call import KernelCall, Plan, common_call

_MOST_TRIES = 4  # of plans within some bytes, which are a bound and no promise
_MOST_SINGLES = 8  # kernels that are exchanged one by one, before all at the peak are
_MOST_STEPS = 5000  # that are planned in all, to exchange kernels


@dataclass(frozen=True)
class Choice:
    """What a program is planned for.

    Attributes:
        frugal: operators, by their first output, that get the kernel with the least scratch.
        memory: bytes that should do, for which any time is given; None: what costs little time.
    """

    frugal: frozenset[int] = frozenset()
    memory: int | None = None


class Planned(Protocol):
    """A program with its plan."""

    @property
    def graph(self) -> Graph:
        """The network."""

    @property
    def calls(self) -> tuple[tuple[KernelCall, ...], ...]:
        """The steps on each target."""

    @property
    def plan(self) -> Plan:
        """Their arena."""


P = TypeVar("P", bound=Planned)


def fit_arena(plan: Callable[[Choice], P], savings: Mapping[int, int], most_bytes: int | None) -> P:
    """Find a program whose arena fits.

    Args:
        plan: makes a program.
        savings: operators, by their first output, that have a kernel with less scratch -> bytes.
        most_bytes: of the arena; None: the fewest that can be had.

    Returns:
        The program; if it does not fit, the same as for None.
    """
    if most_bytes is not None:
        program = _trade(plan, savings, most_bytes)
        if _arena_bytes(program) <= most_bytes:
            return program
    least = dict.fromkeys((Choice(memory=0), Choice(frozenset(savings), 0)))  # may be equal
    smallest = min(map(plan, least), key=_arena_bytes)
    program = _trade(plan, savings, _arena_bytes(smallest))
    return min(program, smallest, key=_arena_bytes)


def _trade(plan: Callable[[Choice], P], savings: Mapping[int, int], most_bytes: int) -> P:
    """Give time for memory until a program fits, or nothing is left to give."""
    program = plan(Choice())
    frugal: set[int] = set()
    for _ in range(1 + _MOST_STEPS // max(1, _MOST_TRIES * len(program.calls[0]))):
        if _arena_bytes(program) <= most_bytes:
            break
        program = _within(plan, frozenset(frugal), most_bytes)
        peak = _at_the_peak(program, most_bytes) & savings.keys() - frugal
        worst = sorted(peak, key=lambda i: (savings[i], i))
        if not worst:
            break
        frugal |= set(worst if len(frugal) >= _MOST_SINGLES else worst[-1:])
    return program


def _arena_bytes(program: Planned) -> int:
    return program.plan.arena_bytes


def _within(plan: Callable[[Choice], P], frugal: frozenset[int], limit: int) -> P:
    """Plan for less and less, until the arena is within the limit or nothing helps."""
    memory, tried = limit, list[P]()
    for _ in range(_MOST_TRIES):
        program = plan(Choice(frugal, memory))
        excess = program.plan.arena_bytes - limit
        is_stuck = bool(tried) and _arena_bytes(program) == _arena_bytes(tried[-1])
        tried.append(program)
        if excess <= 0 or memory == 0 or is_stuck:
            break
        memory = max(0, memory - excess)
    return min(tried, key=_arena_bytes)


def _at_the_peak(program: Planned, limit: int) -> set[int]:
    """Find the operators, by their first output, of steps that reach beyond a limit."""
    calls = [common_call(step) for step in zip(*program.calls, strict=True)]
    blocks, owner = lifetimes(program.graph, calls)
    plan, found = program.plan, set[int]()
    states = {owner[state.first] for state in program.graph.states}
    for key in blocks.keys() - states:  # which lie behind all else
        block = blocks[key]
        at = plan.scratch_offset[-1 - key] if key < 0 else plan.offsets[key]
        if at + block.size > limit - plan.state_bytes:
            found |= _operators(calls[max(0, block.first) : block.last + 1])
    return found


def _operators(calls: Sequence[KernelCall]) -> set[int]:
    parts = (part for c in calls for part in (c.pipeline.parts if c.pipeline else (c,)))
    return {part.outputs[0] for part in parts}
