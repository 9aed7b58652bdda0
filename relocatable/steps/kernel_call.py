"""A step of the program as data: its kernels, packed constants and needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Graph
from relocatable.steps.c_call import CCall, c_body
from relocatable.steps.pack_filter import FilterBlocks
from relocatable.steps.row_access import SAME_ROWS, RowAccess

# What a loop may cost in all, in multiply-accumulates, and what the call of a kernel counts.
MOST_LOOP_WORK = 1 << 28
_CALL_WORK = 16


@dataclass(frozen=True)
class Rows:
    """The way a kernel makes some rows (dimension 1 of 4) of its output.

    Attributes:
        access: which rows of every input it reads.
        in_order: a call makes its rows one after another from the top, and reads nothing above the
            rows that the row needs; what it writes may follow closely on what it reads.
        call_cost: instructions that each call costs besides those of the rows that it makes.
        block: pixels that are done at a time: a rest costs as much.
    """

    access: RowAccess = SAME_ROWS
    in_order: bool = True
    call_cost: int = 0
    block: int = 1


class RowTask(NamedTuple):
    """The next rows that a layer of a row pipeline makes.

    Attributes:
        part: index of the layer.
        rows: that it makes.
        drop: rows at the top of its output's line buffer that are dropped before.
    """

    part: int
    rows: int
    drop: int


@dataclass(frozen=True, eq=False)
class RowPipeline:
    """The layers that are made together, some rows of each in turn.

    Attributes:
        parts: the layers' own calls, in the order of the program.
        tasks: which layer makes how many rows, in order.
        step_tasks: how many of them each step takes: a long pipeline is several steps, between
            which other work can be done; none takes too long.
        buffers: tensors that never exist whole -> offset, in the step's scratch, of the line buffer
            that holds those rows that are still needed, one after another.
        scratch_offset: of what the parts have as SCRATCH, in the step's scratch.
    """

    parts: tuple[KernelCall, ...]
    tasks: tuple[RowTask, ...]
    step_tasks: tuple[int, ...]
    buffers: Mapping[int, int]
    scratch_offset: int


@dataclass(frozen=True)
class PackedCost:
    """What packing a step's filter does.

    Attributes:
        saved_bytes: of the filter.
        per_call: instructions, about, that each call takes longer.
        per_run: and those that a run takes longer, however many calls it is.
    """

    saved_bytes: int
    per_call: int
    per_run: int


@dataclass(frozen=True, eq=False)
class KernelCall:
    """One step of the program, or several if it is a long row pipeline.

    Attributes:
        kind: of the operator, such as CONV_2D.
        name: for reports and messages.
        source: kernel file to include, relative to this package, such as "ops/add/add.c".
        calls: of the kernels in that file.
        inputs: tensor indices that the calls read from the arena or as constants.
        outputs: tensor indices that they write.
        weights: packed constant arrays by key, put into the weights section 16-aligned.
        scratch_bytes: arena bytes that the step alone needs while it runs, 16-aligned.
        in_place: indices into `inputs` whose memory the output may take over, beginning where the
            input began -> headroom: bytes, 16-aligned, by which the input must be moved up before.
        updates: index into `inputs` -> into `outputs`: the kernel changes a state where it is.
        macs: multiply-accumulates of the operator's definition.
        called: graphs that the calls run.
        ports: tensors whose memory the states of every such graph have, in the order of states.
        rows: None if the calls always make all of the output.
        image_rows: the rows of each image of a batch, of which the calls always make all.
        pipeline: the layers of a step that makes several by rows; it has no calls of its own.
        macros: that are defined while the source is included.
        widens: key of weights whose type the kernels are templates of, float32 or float16.
        filters: how its one kernel reads the weights "filter", if these may be stored packed; it is
            a template that can make some of its output channels.
        packed: what packing its filter does; None: it is stored as it is.
    """

    kind: str
    name: str
    source: str
    calls: tuple[CCall, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    weights: dict[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    scratch_bytes: int = 0
    in_place: Mapping[int, int] = field(default_factory=dict)
    updates: Mapping[int, int] = field(default_factory=dict)
    macs: int = 0
    called: tuple[CalledGraph, ...] = ()
    ports: tuple[int, ...] = ()
    rows: Rows | None = None
    image_rows: Rows | None = None
    pipeline: RowPipeline | None = None
    macros: Mapping[str, str] = field(default_factory=dict)
    widens: str = ""
    filters: FilterBlocks | None = None
    packed: PackedCost | None = None

    @property
    def body(self) -> str:
        """C statements of the step's function.

        The emitter has names for everything that has an address: `IN0`, `IN1`, .. and `OUT0` point
        to the operator's tensors (typed by dtype; constants are in the weights), `W_<key>` to the
        entries of `weights`, `SCRATCH` (uint8_t *) to the scratch. Parameters are declared `KEPT
        const`. If `rows` are stated, the body makes `ROWS` rows from row `FIRST_ROW` on at OUT0;
        the inputs point to the first row that they need, `IN_ROWS` counts the input's rows from
        there on, and `ABOVE` the rows of padding above it.
        """
        return c_body(self.calls)

    @property
    def steps(self) -> int:
        """Steps of the program that it takes, one after another."""
        return len(self.pipeline.step_tasks) if self.pipeline else 1


@dataclass(frozen=True)
class Plan:
    """The place of everything in the arena.

    Attributes:
        arena_bytes: size of the arena, a multiple of 16.
        offsets: tensor index -> byte offset, for every tensor that is not constant.
        scratch_offset: index of the call -> byte offset, for calls with scratch.
        state_offset, state_bytes: the part that holds the states and nothing else.
    """

    arena_bytes: int
    offsets: dict[int, int]
    scratch_offset: dict[int, int]
    state_offset: int = 0
    state_bytes: int = 0

    def moved_up(self, call: KernelCall) -> tuple[int, int] | None:
        """Find the input that a step must move up to make room for its output; how far."""
        for at, headroom in call.in_place.items():
            index = call.inputs[at]
            if headroom and self.offsets.get(index) == self.offsets[call.outputs[0]]:
                return index, headroom
        return None


@dataclass(frozen=True, eq=False)
class CalledGraph:
    """A graph that a step runs, once or many times.

    What it reads and writes of the graph around it are its states: they are where the ports are.

    Attributes:
        graph: without inputs; its first output, if any, says whether a loop goes on.
        calls: what it does, in order.
        plan: of a memory of its own, whose end the states are; None if there is none yet.
    """

    graph: Graph
    calls: tuple[KernelCall, ...]
    plan: Plan | None = None

    @property
    def own_bytes(self) -> int:
        """Bytes that it needs besides its states."""
        assert self.plan is not None
        return self.plan.state_offset if self.graph.states else self.plan.arena_bytes

    @property
    def work(self) -> int:
        """What a run of it costs, in multiply-accumulates; calls of kernels cost, too."""
        values = sum(self.graph.tensors[i].count for call in self.calls for i in call.outputs)
        return sum(call.macs + _CALL_WORK for call in self.calls) + values + _CALL_WORK

    def plan_at(self, base: int, ports: Sequence[int]) -> Plan:
        """Move its plan to where it runs.

        Args:
            base: of its own bytes, in the arena.
            ports: places of its states.
        """
        plan = self.plan
        assert plan is not None
        firsts = [plan.offsets[state.first] for state in self.graph.states]
        place = dict(zip(firsts, ports, strict=True))
        offsets = {i: place.get(at, base + at) for i, at in plan.offsets.items()}
        scratch = {k: base + at for k, at in plan.scratch_offset.items()}
        return Plan(plan.arena_bytes, offsets, scratch)


def count_steps(calls: Iterable[KernelCall]) -> int:
    """Count the steps of the program that calls take."""
    return sum(call.steps for call in calls)


def common_call(step: Sequence[KernelCall]) -> KernelCall:
    """Join a step's calls on several targets into what a plan must allow for."""
    first = step[0]
    rows = [call.rows for call in step if call.rows is not None]
    worst = None
    if len(rows) == len(step):
        worst = replace(
            rows[0],
            # A kernel that can write over its input can also do so close behind what it reads.
            in_order=all(r.in_order or c.in_place for r, c in zip(rows, step, strict=True)),
            call_cost=max(r.call_cost for r in rows),
            block=max(r.block for r in rows),
        )
    return replace(
        first,
        rows=worst,
        scratch_bytes=max(call.scratch_bytes for call in step),
        in_place={
            at: max(call.in_place[at] for call in step)
            for at in first.in_place
            if all(at in call.in_place for call in step)
        },
    )
