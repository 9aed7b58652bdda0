"""What operators remember without a tensor in the file becomes a state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from relocatable.compile import lower, schedule
from relocatable.errors import UnsupportedError
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops import OPERATORS
from relocatable.read_tflite import read_tflite
from relocatable.support import check_support
from relocatable.targets import find_target
from tests.hostile_models import hostile_models
from tests.make_tflite import make_tflite

DELAY, BUFFER = "CUSTOM SignalDelay", "CUSTOM CIRCULAR_BUFFER"
REMEMBERING = [o.kind for o in OPERATORS.values() if o.memory is not None]


def delay(length: int, dtype: str = "int16") -> Graph:
    """Make a graph as a file has it: without a memory."""
    b = GraphBuilder()
    x, y = (b.tensor(2, 8, dtype=dtype, quant=None) for _ in range(2))
    b.inputs.append(x)
    state = b.state(1, dtype=dtype)
    b.op(DELAY, (x, state.first), y, state.last, delay_length=length)
    return b.graph(y)


@pytest.mark.parametrize("kind", REMEMBERING)
def test_an_operator_gets_a_state(kind: str) -> None:
    rng = np.random.default_rng(4)
    [dtype, *_] = OPERATORS[kind].samples
    for _ in range(20):
        sample = OPERATORS[kind].samples[dtype](rng, dtype)
        graph = read_tflite(make_tflite(sample), "remembering")
        check_support(graph)
        [state], [op] = graph.states, graph.ops
        assert (op.inputs[-1], op.outputs[-1]) == (state.first, state.last)
        made, meant = (g.tensors[g.states[0].first] for g in (graph, sample))
        assert (made.shape, made.dtype) == (meant.shape, meant.dtype)


def test_it_lies_where_states_lie() -> None:
    graph = lower(read_tflite(make_tflite(delay(3)), "delay"))
    program = schedule(graph, None, [find_target("host")])
    assert program.plan.state_bytes >= 2 * 3 * 2
    assert [op.kind for op in graph.ops] == [DELAY]


@pytest.mark.parametrize("length", [-1, 1 << 21])
def test_an_operator_that_is_refused_gets_none(length: int) -> None:
    graph = read_tflite(make_tflite(delay(length)), "delay")
    assert not graph.states
    with pytest.raises(UnsupportedError, match="delay_length must be at least 0 and at most"):
        check_support(graph)


def test_too_large_a_memory_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="bytes that an operator remembers must be at most"):
        read_tflite(make_tflite(dict(hostile_models())["SignalDelay 1048576"]()), "delay")


def test_a_file_cannot_give_the_memory_itself() -> None:
    b = GraphBuilder()
    x, y = (b.tensor(2, 8, dtype="int16", quant=None) for _ in range(2))
    b.inputs.append(x)
    state = b.state(1, dtype="int16")
    b.op(DELAY, (x, x, state.first), y, state.last, delay_length=2)
    graph = read_tflite(make_tflite(b.graph(y)), "delay")
    with pytest.raises(UnsupportedError, match="inputs and outputs must be as many as"):
        check_support(graph)


def buffer(slots: int, **attrs: Any) -> Graph:
    """Make a graph of one buffer, as a file has it."""
    b = GraphBuilder()
    x, y = b.input(1, 1, 2, 3), b.tensor(1, slots, 2, 3)
    state = b.state(1)
    return b.graph(b.op(BUFFER, (x, state.first), y, state.last, **attrs))


@pytest.mark.parametrize(("slots", "cycles"), [(4, 1), (5, 0), (13, 0), (25, 0)])
def test_a_buffer_of_one_cycle_is_taken(slots: int, cycles: int) -> None:
    check_support(read_tflite(make_tflite(buffer(slots, cycles_max=cycles)), "buffer"))


@pytest.mark.parametrize(("slots", "cycles"), [(4, 2), (4, 0), (5, 2)])
def test_a_buffer_of_more_cycles_is_refused_with_a_way_out(slots: int, cycles: int) -> None:
    graph = read_tflite(make_tflite(buffer(slots, cycles_max=cycles)), "buffer")
    with pytest.raises(UnsupportedError, match="divide the model there"):
        check_support(graph)


def test_what_is_written_as_a_whole_is_no_variable() -> None:
    def mark(model: Any) -> None:
        [op] = model.subgraphs[0].operators
        model.subgraphs[0].tensors[op.outputs[0]].isVariable = True

    graph = read_tflite(make_tflite(buffer(4, cycles_max=1), mark), "buffer")
    assert len(graph.states) == 1
    check_support(graph)
