"""Variables that IF and WHILE use, run after run against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.errors import UnsupportedError
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Op
from relocatable.ops import OPERATORS
from relocatable.read_tflite import read_tflite
from tests.make_tflite import make_tflite
from tests.numeric.harness import Array
from tests.numeric.test_states import assert_equal_runs
from tests.variables import VariableBuilder

PLAIN = {"fused_activation_function": "NONE"}
SHAPE = (1, 6)


def effects(rng: np.random.Generator, b: VariableBuilder, value: int, depth: int) -> int:
    """Read, assign, add and call at random; return the last value."""
    for _ in range(int(rng.integers(1, 5))):
        name = str(rng.choice([*b.initial]))
        kind = int(rng.integers(5))
        if kind == 0:
            value = b.read(name, b.tensor(*SHAPE))
        elif kind == 1:
            b.assign(name, value)
        elif kind < 4 or depth == 0:
            read = b.read(name, b.tensor(*SHAPE))
            value = b.op("ADD", (value, read), b.tensor(*SHAPE), **PLAIN)
        elif rng.random() < 0.5:
            value = choose(rng, b, value, depth - 1)
        else:
            value = repeat(rng, b, value, depth - 1)
    return value


def choose(rng: np.random.Generator, b: VariableBuilder, value: int, depth: int) -> int:
    """Add an IF whose branches have effects; return what it returns."""
    largest = b.op("REDUCE_MAX", (value, b.constant([0, 1])), b.tensor(1, 1), keep_dims=True)
    limit = b.constant([[int(rng.integers(-20, 100))]], "int8", b.tensors[value].quant)
    flag = b.op("LESS", (largest, limit), b.tensor(1, 1, dtype="bool"))
    branches = []
    for _ in range(2):
        branch = VariableBuilder(b.initial)
        branches.append(branch.graph(effects(rng, branch, branch.input(*SHAPE), depth)))
    y = b.tensor(*SHAPE)
    b.ops.append(Op("IF", f"t{y}", (flag, value), (y,), {}, tuple(branches)))
    return y


def repeat(rng: np.random.Generator, b: VariableBuilder, value: int, depth: int) -> int:
    """Add a WHILE whose body has effects, and whose condition may read."""
    test, body = VariableBuilder(b.initial), VariableBuilder(b.initial)
    index, carried = test.input(dtype="int32"), test.input(*SHAPE)
    condition = test.op(
        "LESS", (index, test.constant(int(rng.integers(1, 4)))), test.tensor(dtype="bool")
    )
    if rng.random() < 0.5:
        read = test.read(str(rng.choice([*b.initial])), test.tensor(*SHAPE))
        flags = test.op("LESS", (read, carried), test.tensor(*SHAPE, dtype="bool"))
        all_less = test.op(
            "REDUCE_ANY", (flags, test.constant([0, 1])), test.tensor(dtype="bool"), keep_dims=False
        )
        condition = test.op("LOGICAL_AND", (condition, all_less), test.tensor(dtype="bool"))
    index, carried = body.input(dtype="int32"), body.input(*SHAPE)
    more = body.op("ADD", (index, body.constant(1)), body.tensor(dtype="int32"), **PLAIN)
    made = body.graph(more, effects(rng, body, carried, depth))
    outputs = (b.tensor(dtype="int32"), b.tensor(*SHAPE))
    graphs = (test.graph(condition), made)
    b.ops.append(Op("WHILE", f"t{outputs[0]}", (b.constant(0), value), outputs, {}, graphs))
    return outputs[1]


def random_model(seed: int) -> bytes:
    """Make a model whose effects are in calls, and in calls of these."""
    rng = np.random.default_rng(seed)
    initial: dict[str, Array] = {
        "a": rng.integers(-128, 128, SHAPE, np.int8),
        "b": np.full(SHAPE, 7, np.int8),
        "c": np.zeros(SHAPE, np.int8),
    }
    b = VariableBuilder(initial)
    value = effects(rng, b, b.input(*SHAPE), 0)
    value = (choose if seed % 2 else repeat)(rng, b, value, 1)
    value = effects(rng, b, value, 2)
    # What is kept shows; a tensor of its own is no input.
    shown = [b.read(name, b.tensor(*SHAPE)) for name in initial]
    total = b.op("ADD", (value, shown[0]), b.tensor(*SHAPE), **PLAIN)
    return b.model(total, *shown)


@pytest.mark.parametrize("seed", range(40))
def test_effects_of_calls_keep_their_order(seed: int) -> None:
    assert_equal_runs(random_model(seed), 5, whole_tensors=bool(seed % 3))


def test_a_condition_that_assigns_is_refused() -> None:
    initial = {"a": np.zeros(SHAPE, np.int8)}
    b, test, body = (VariableBuilder(initial) for _ in range(3))
    x = test.input(*SHAPE)
    test.assign("a", x)
    flags = test.op("LESS", (x, x), test.tensor(*SHAPE, dtype="bool"))
    axes = test.constant([0, 1])
    flag = test.op("REDUCE_ANY", (flags, axes), test.tensor(dtype="bool"), keep_dims=False)
    graphs: tuple[Graph, ...] = (test.graph(flag), body.graph(body.input(*SHAPE)))
    x, y = b.input(*SHAPE), b.tensor(*SHAPE)
    b.ops.append(Op("WHILE", "loop", (x,), (y,), {}, graphs))
    with pytest.raises(UnsupportedError, match="condition of a loop must assign no variables"):
        read_tflite(b.model(y), "test")


@pytest.mark.parametrize("kind", [o.kind for o in OPERATORS.values() if o.memory is not None])
def test_operators_that_remember_are_refused_in_calls(kind: str) -> None:
    dtype = next(iter(OPERATORS[kind].samples))
    inner = OPERATORS[kind].samples[dtype](np.random.default_rng(3), dtype)
    b = GraphBuilder()
    flag = b.input(dtype="bool")
    given = [len(b.tensors) + i for i in range(len(inner.inputs))]
    b.tensors += [inner.tensors[i] for i in (*inner.inputs, *inner.outputs)]
    b.inputs += given
    made = tuple(range(given[-1] + 1, len(b.tensors)))
    b.ops.append(Op("IF", "chosen", (flag, *given), made, {}, (inner, inner)))
    with pytest.raises(UnsupportedError, match="that remembers must be in the main graph"):
        read_tflite(make_tflite(b.graph(*made)), "test")
