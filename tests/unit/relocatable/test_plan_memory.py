"""Memory plans: sound by a check of other code, small, and the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relocatable.errors import PlanError
from relocatable.graph.graph import Graph
from relocatable.schedule.check_plan import check_plan
from relocatable.schedule.plan_memory import Block, _choices, _Takeover, plan_memory
from relocatable.steps.kernel_call import KernelCall, Plan
from tests.make_graph import GraphBuilder

Program = tuple[Graph, list[KernelCall]]


def call(
    inputs: Sequence[int], *outputs: int, scratch: int = 0, in_place: Sequence[int] = ()
) -> KernelCall:
    name = f"call{outputs}"
    return KernelCall(
        "X",
        name,
        "",
        (),
        tuple(inputs),
        tuple(outputs),
        scratch_bytes=scratch,
        in_place=dict.fromkeys(in_place, 0),
    )


def checked(graph: Graph, calls: Sequence[KernelCall]) -> Plan:
    plan = plan_memory(graph, calls)
    check_plan(graph, calls, plan)
    return plan


def pipeline(*sizes: int) -> tuple[Graph, list[KernelCall]]:
    b = GraphBuilder()
    tensors = [b.input(sizes[0]), *(b.tensor(size) for size in sizes[1:])]
    calls = [call([x], y) for x, y in pairwise(tensors)]
    return b.graph(tensors[-1]), calls


def test_a_chain_needs_its_largest_pair() -> None:
    graph, calls = pipeline(160, 320, 640, 16, 800, 32)
    assert checked(graph, calls).arena_bytes == 320 + 640


def test_sizes_round_up_to_16() -> None:
    graph, calls = pipeline(1, 17, 5)
    plan = checked(graph, calls)
    assert plan.arena_bytes == 16 + 32
    assert all(offset % 16 == 0 for offset in plan.offsets.values())


def test_step_takes_over_an_input_that_dies() -> None:
    graph, calls = pipeline(160, 160, 160, 160)
    in_place = [replace(c, in_place={0: 0}) for c in calls]
    assert checked(graph, in_place).arena_bytes == 160


def test_an_input_that_is_read_later_is_not_taken_over() -> None:
    b = GraphBuilder()
    x, y, z = b.input(160), b.tensor(160), b.tensor(160)
    calls = [call([x], y, in_place=[0]), call([x, y], z, in_place=[0, 1])]
    assert checked(b.graph(z), calls).arena_bytes == 320


def test_an_output_of_the_graph_is_not_taken_over() -> None:
    b = GraphBuilder()
    x, y, z = b.input(160), b.tensor(160), b.tensor(160)
    calls = [call([x], y), call([y], z, in_place=[0])]
    assert checked(b.graph(y, z), calls).arena_bytes == 320


def test_an_input_read_twice_is_taken_over_only_where_both_places_allow_it() -> None:
    b = GraphBuilder()
    x, y = b.input(160), b.tensor(160)
    graph = b.graph(y)
    assert checked(graph, [call([x, x], y, in_place=[0])]).arena_bytes == 320
    assert checked(graph, [call([x, x], y, in_place=[0, 1])]).arena_bytes == 160


def test_reshape_shares_memory_and_lifetime() -> None:
    b = GraphBuilder()
    x, y = b.input(16, 10), b.tensor(16, 10)
    flat = b.op("RESHAPE", (y,), b.tensor(160))
    again = b.op("RESHAPE", (flat,), b.tensor(160, 1))
    z, out = b.tensor(160), b.tensor(160)
    calls = [call([x], y), call([x], z), call([again, z], out)]
    plan = checked(b.graph(out), calls)
    assert plan.offsets[y] == plan.offsets[flat] == plan.offsets[again]
    assert plan.arena_bytes == 480


def test_reshape_of_input_to_output() -> None:
    b = GraphBuilder()
    x = b.input(16, 10)
    flat = b.op("RESHAPE", (x,), b.tensor(160))
    plan = checked(b.graph(flat), [])
    assert (plan.arena_bytes, plan.offsets[x]) == (160, plan.offsets[flat])


def test_constants_get_no_place() -> None:
    b = GraphBuilder()
    x, w, y = b.input(16), b.constant([1, 2]), b.tensor(16)
    assert set(checked(b.graph(y), [call([x, w, -1], y)]).offsets) == {x, y}


def test_scratch_lives_for_its_step_alone() -> None:
    graph, calls = pipeline(16, 16, 16, 16)
    calls = [replace(c, scratch_bytes=1600) for c in calls]
    plan = checked(graph, calls)
    assert plan.arena_bytes == 1632
    assert set(plan.scratch_offset) == {0, 1, 2}


def test_outputs_outlive_a_head() -> None:
    """A head's input and its result, which nobody reads, are both there at the end."""
    b = GraphBuilder()
    x, y, first, second = b.input(640), b.tensor(160), b.tensor(320), b.tensor(320)
    calls = [call([x], y), call([y], first, scratch=480), call([y], second, scratch=480)]
    plan = checked(b.graph(y), calls)
    places = sorted(
        (plan.offsets[i], plan.offsets[i] + size) for i, size in ((y, 160), (first, 320))
    )
    assert places[0][1] <= places[1][0]
    assert abs(plan.offsets[first] - plan.offsets[second]) >= 320


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Random programs: earlier tensors in, one or two out, scratch, reshapes."""
    b = GraphBuilder()
    made = [b.input(draw(st.integers(1, 200))) for _ in range(draw(st.integers(1, 3)))]
    calls = []
    for _ in range(draw(st.integers(0, 12))):
        inputs = draw(st.lists(st.sampled_from(made), min_size=1, max_size=3))
        size = b.tensors[inputs[0]].count if draw(st.booleans()) else draw(st.integers(1, 200))
        outputs = [b.tensor(size), *(b.tensor(20) for _ in range(draw(st.integers(0, 1))))]
        in_place = [at for at, i in enumerate(inputs) if b.tensors[i].count == size]
        allowed = in_place if draw(st.booleans()) else []
        scratch = draw(st.sampled_from([0, 0, 16, 160]))
        calls.append(call(inputs, *outputs, scratch=scratch, in_place=allowed))
        made += outputs
        if draw(st.integers(0, 3)) == 0:
            source = draw(st.sampled_from(made))
            made.append(b.op("RESHAPE", (source,), b.tensor(1, b.tensors[source].count)))
    outputs = draw(st.lists(st.sampled_from(made), min_size=1, max_size=3, unique=True))
    return b.graph(*outputs), calls


@pytest.mark.heavy
@settings(max_examples=300, deadline=None)
@given(programs())
def test_random_programs_get_sound_plans(program: Program) -> None:
    graph, calls = program
    plan = checked(graph, calls)
    assert plan == plan_memory(graph, calls)
    assert plan.arena_bytes % 16 == 0


@settings(max_examples=200, deadline=None)
@given(programs(), st.randoms(use_true_random=False))
def test_check_agrees_with_a_pairwise_one(program: Program, random: Random) -> None:
    """A plan with one place moved is refused if needed bytes overlap, and only then."""
    graph, calls = program
    if any(c.in_place for c in calls) or any(op.kind == "RESHAPE" for op in graph.ops):
        return
    plan = plan_memory(graph, calls)
    moved = random.choice(sorted(plan.offsets))
    room = plan.arena_bytes - graph.tensors[moved].size_bytes
    offsets = {**plan.offsets, moved: random.randrange(0, room + 1, 16)}
    broken = replace(plan, offsets=offsets)
    if _pairwise_sound(graph, calls, broken):
        check_plan(graph, calls, broken)
    else:
        with pytest.raises(PlanError):
            check_plan(graph, calls, broken)


def _pairwise_sound(graph: Graph, calls: Sequence[KernelCall], plan: Plan) -> bool:
    """Tell whether no two blocks share bytes in a step that needs both."""
    read = {i for c in calls for i in c.inputs}
    blocks = []
    for index, offset in plan.offsets.items():
        steps = [k for k, c in enumerate(calls) if index in (*c.inputs, *c.outputs)]
        steps += [-1] * (index in graph.inputs)
        kept = index in graph.outputs or (index not in read and index not in graph.inputs)
        steps += [len(calls)] * kept
        blocks.append((offset, graph.tensors[index].size_bytes, min(steps), max(steps)))
    for k, offset in plan.scratch_offset.items():
        blocks.append((offset, calls[k].scratch_bytes, k, k))
    return not any(
        a[0] < b[0] + b[1] and b[0] < a[0] + a[1] and a[2] <= b[3] and b[2] <= a[3]
        for n, a in enumerate(blocks)
        for b in blocks[:n]
    )


def test_check_names_both_tensors_and_the_step() -> None:
    b = GraphBuilder()
    x, y, z = b.input(160), b.tensor(160), b.tensor(160)
    calls = [call([x], y), call([x, y], z)]
    graph = b.graph(z)
    with pytest.raises(PlanError, match="output 0 must be apart from input tensor 't0'"):
        check_plan(graph, calls, Plan(480, {x: 0, y: 16, z: 320}, {}))
    taken = [replace(calls[0], in_place={0: 0}), calls[1]]
    with pytest.raises(PlanError, match=r"step 1 .* tensor 't0' must be whole; tensor 't1' lies"):
        check_plan(graph, taken, Plan(480, {x: 0, y: 0, z: 320}, {}))


@pytest.mark.parametrize(
    ("offsets", "scratch", "message"),
    [
        ({0: 0}, {0: 320}, "tensor 't1': must have a place"),
        ({0: 0, 1: 192}, {0: 320}, r"tensor 't1': bytes must .*\[192, 352\)"),
        ({0: 0, 1: 168}, {0: 320}, "aligned to 16"),
        ({0: 0, 1: -16}, {0: 320}, "bytes must lie in"),
        ({0: 0, 1: 160}, {0: 160}, "output 0 and scratch must be apart"),
        ({0: 0, 1: 160}, {0: 0}, "scratch must be apart from input tensor 't0'"),
        ({0: 0, 1: 160}, {0: 336}, "scratch: bytes must lie in"),
        ({0: 0, 1: 160}, {}, "scratch must have a place"),
    ],
)
def test_check_refuses(offsets: dict[int, int], scratch: dict[int, int], message: str) -> None:
    graph, calls = pipeline(160, 160)
    calls = [replace(calls[0], scratch_bytes=16)]
    with pytest.raises(PlanError, match=message):
        check_plan(graph, calls, Plan(336, offsets, scratch))


def test_the_more_blocks_the_fewer_choices_are_tried() -> None:
    small = [Block(16, i, i) for i in range(100)]
    many = [Block(16 * (i + 1), i, i) for i in range(4000)]
    for blocks, most in ((small, 17), (many, 1)):
        grows = {i: replace(b, size=16 * (i + 1)) for i, b in enumerate(blocks)}
        pairs = [_Takeover(a, b, blocks[a]) for a, b in pairwise(grows)]
        assert len(list(_choices(pairs, grows))) == most
