"""Give every tensor and scratch, by its lifetime, a place in the arena.

Blocks that live at the same time never overlap; `check_plan` proves it by other means. A step may
take over the memory of an input that dies with it; some steps move that input up first. A view
always shares its input's memory.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Graph
from relocatable.ops import views
from relocatable.steps.kernel_call import KernelCall, Plan

_ALIGN = 16
_TRIES = 300
# Bounds of the time that a large model takes: tries times blocks, and times their square.
_WORK, _SQUARE_WORK = 30_000, 12_000_000
_MOST_CHOICES = 16
_CHOICE_WORK = 3_000_000  # choices times the square of the blocks
_SEED = 1


@dataclass(frozen=True)
class Block:
    """A number of bytes, needed from step `first` to step `last`, both included."""

    size: int
    first: int
    last: int

    def joined(self, other: Block) -> Block:
        """Join two blocks into one that is large and long enough for either."""
        return Block(
            max(self.size, other.size), min(self.first, other.first), max(self.last, other.last)
        )


class _Stack:
    """The blocks that begin at the same place.

    Args:
        blocks: at least one.

    Attributes:
        blocks: as given.
        size: of the largest.
        first, last: steps from the first block's to the last one's.
    """

    def __init__(self, *blocks: Block) -> None:
        self.blocks = blocks
        self.size = max(b.size for b in blocks)
        self.first = min(b.first for b in blocks)
        self.last = max(b.last for b in blocks)


class _Takeover(NamedTuple):
    """A pair of blocks that may begin at one place if that step has some room."""

    first: int
    second: int
    room: Block


# Tensors by index, and the scratch of call k as -1 - k.
_Groups = dict[int, int]
_Stacks = dict[int, _Stack]


def plan_memory(graph: Graph, calls: Sequence[KernelCall]) -> Plan:
    """Place every computed tensor and every scratch.

    Args:
        graph: the network; for a head, with the tensors that it adds.
        calls: all steps in their order, those of a head last.

    Returns:
        The smallest plan of several tries; the same one for the same arguments.
    """
    blocks, owner = lifetimes(graph, calls)
    takeovers = _takeovers(calls, blocks, owner)
    # States live always: behind all that shares memory they cost it nothing.
    states = {key: blocks.pop(key) for key in dict.fromkeys(owner[s.first] for s in graph.states)}
    tried: list[tuple[int, int, _Stacks, _Groups, list[int]]] = []
    for chosen in _choices(takeovers, blocks):
        joined, into = _join(blocks, chosen)
        order = _best_order(joined)
        tried.append((_arena_bytes(joined, _place(joined, order)), len(tried), joined, into, order))
    _, _, joined, into, order = min(tried, key=lambda t: t[:2])
    packed = _improve(joined, order)
    best = {key: packed[into[key]] for key in blocks}
    state_offset = end = _arena_bytes(joined, packed)
    for key, block in states.items():
        best[key] = end
        end += block.size
    return Plan(
        arena_bytes=end,
        offsets={index: best[key] for index, key in owner.items()},
        scratch_offset={-1 - key: offset for key, offset in best.items() if key < 0},
        state_offset=state_offset if states else 0,
        state_bytes=end - state_offset,
    )


def lifetimes(graph: Graph, calls: Sequence[KernelCall]) -> tuple[dict[int, Block], _Groups]:
    """Find the blocks by key, and for each tensor the key of its block."""
    end = len(calls)
    source = views(graph) | _replaced(graph)
    blocks: dict[int, Block] = {}
    owner: _Groups = {}

    def use(index: int, first: int, last: int) -> None:
        if index == -1 or graph.tensors[index].data is not None:
            return
        key = index
        while key in source:
            key = source[key]
        owner[index] = owner[key] = key
        block = Block(_aligned(graph.tensors[index].size_bytes), first, last)
        blocks[key] = blocks[key].joined(block) if key in blocks else block

    read = {index for call in calls for index in call.inputs} | set(source.values())
    for index in graph.inputs:
        use(index, -1, -1)
    for state in graph.states:
        use(state.first, -1, end)
    for index in source:
        use(index, end, -1)
    for step, call in enumerate(calls):
        for index in call.inputs:
            use(index, step, step)
        for index in call.outputs:
            # What no step reads is for the caller, who looks at it after the last one.
            use(index, step, step if index in read else end)
        if call.scratch_bytes:
            blocks[-1 - step] = Block(_aligned(call.scratch_bytes), step, step)
    for index in graph.outputs:
        use(index, end, end)
    return blocks, owner


def _replaced(graph: Graph) -> dict[int, int]:
    """Map each tensor that becomes a state to the one whose memory it gets."""
    source = views(graph)
    found = {}
    for state in graph.states:
        last = state.last
        while last in source:
            last = source[last]
        if last != state.first:
            found[last] = state.first
    return found


def _takeovers(
    calls: Sequence[KernelCall], blocks: dict[int, Block], owner: _Groups
) -> list[_Takeover]:
    """Find the pairs whose first block dies in the step that writes the second."""
    pairs = []
    for step, call in enumerate(calls):
        kept = {owner.get(i) for at, i in enumerate(call.inputs) if at not in call.in_place}
        for at, headroom in call.in_place.items():
            key = owner.get(call.inputs[at])
            if key is None or key in kept or blocks[key].last != step:
                continue
            written = owner[call.outputs[0]]
            if blocks[written].first == step and written != key:
                room = Block(_aligned(blocks[key].size + headroom), step, step)
                pairs.append(_Takeover(key, written, room))
                break
    return pairs


def _choices(pairs: list[_Takeover], blocks: dict[int, Block]) -> Iterable[list[_Takeover]]:
    """Yield all pairs; then, for each that makes a block larger, all but that one."""
    yield pairs
    growing = [p for p in pairs if blocks[p.first].size < max(blocks[p.second].size, p.room.size)]
    most = min(_MOST_CHOICES, _CHOICE_WORK // max(1, len(blocks)) ** 2)
    for left_out in growing[:most]:
        yield [p for p in pairs if p != left_out]


def _join(blocks: dict[int, Block], pairs: Iterable[_Takeover]) -> tuple[_Stacks, _Groups]:
    parts = {key: [block] for key, block in blocks.items()}
    into = {key: key for key in blocks}

    def root(key: int) -> int:
        while into[key] != key:
            into[key] = key = into[into[key]]
        return key

    for first, second, room in pairs:
        keep, gone = root(first), root(second)
        parts[keep] += [room, *parts.pop(gone)]
        into[gone] = keep
    return {key: _Stack(*found) for key, found in parts.items()}, {key: root(key) for key in into}


def _best_order(stacks: _Stacks) -> list[int]:
    """Find, of a few orders of placing, the one that needs the least."""
    orders = [
        sorted(stacks, key=lambda k: (-stacks[k].size, stacks[k].first, k)),
        sorted(stacks, key=lambda k: (stacks[k].first - stacks[k].last, -stacks[k].size, k)),
        sorted(stacks, key=lambda k: (-stacks[k].size * (stacks[k].last - stacks[k].first + 1), k)),
        sorted(stacks, key=lambda k: (stacks[k].first, -stacks[k].size, k)),
    ]
    return min(orders, key=lambda order: _arena_bytes(stacks, _place(stacks, order)))


def _improve(stacks: _Stacks, order: list[int]) -> dict[int, int]:
    """Swap places in the order for as long as a smaller arena is possible and found."""
    least = _most_alive(stacks)
    best = _place(stacks, order)
    rng = random.Random(_SEED)
    count = max(1, len(order))
    for _ in range(min(_TRIES, _WORK // count, _SQUARE_WORK // count**2)):
        if len(order) < 3 or _arena_bytes(stacks, best) <= least:
            break
        a, b = rng.sample(range(len(order)), 2)
        swapped = list(order)
        swapped[a], swapped[b] = swapped[b], swapped[a]
        packed = _place(stacks, swapped)
        if _arena_bytes(stacks, packed) <= _arena_bytes(stacks, best):
            best, order = packed, swapped
    return best


def _place(stacks: _Stacks, order: Sequence[int]) -> dict[int, int]:
    """Place the stacks one by one, each as low as those before it allow."""
    offsets: dict[int, int] = {}
    # Of the blocks that are placed, in the same order: steps, where each begins and ends.
    first, last, begin, end = np.zeros((4, sum(len(stacks[key].blocks) for key in order)), np.int64)
    count = 0
    for key in order:
        blocks = stacks[key].blocks
        forbidden: list[tuple[int, int]] = []  # open intervals
        for block in blocks:
            meets = (first[:count] <= block.last) & (last[:count] >= block.first)
            lows, highs = begin[:count][meets] - block.size, end[:count][meets]
            forbidden += zip(lows.tolist(), highs.tolist(), strict=True)
        at = 0
        for low, high in sorted(forbidden):
            if at <= low:
                break
            at = max(at, high)
        offsets[key] = at
        for block in blocks:
            first[count], last[count] = block.first, block.last
            begin[count], end[count] = at, at + block.size
            count += 1
    return offsets


def _most_alive(stacks: _Stacks) -> int:
    """Count the bytes alive at the worst step: no plan is smaller."""
    steps = sorted({block.first for stack in stacks.values() for block in stack.blocks})
    alive: npt.NDArray[np.int64] = np.zeros(len(steps), np.int64)
    for stack in stacks.values():
        low, high = bisect_left(steps, stack.first), bisect_right(steps, stack.last)
        needed: npt.NDArray[np.int64] = np.zeros(high - low, np.int64)
        for block in stack.blocks:
            span = slice(
                bisect_left(steps, block.first) - low, bisect_right(steps, block.last) - low
            )
            needed[span] = np.maximum(needed[span], block.size)
        alive[low:high] += needed
    return int(alive.max(initial=0))


def _arena_bytes(stacks: _Stacks, offsets: dict[int, int]) -> int:
    return max((offset + stacks[key].size for key, offset in offsets.items()), default=0)


def _aligned(size: int) -> int:
    return max(_ALIGN, -(-size // _ALIGN) * _ALIGN)
