"""IF and WHILE as whole blobs, against LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relocatable.blob.blob import Blob
from relocatable.blob.host import HostModel
from relocatable.compile import compile_model, lower
from relocatable.errors import RunError, UnsupportedError
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Op
from relocatable.passes.fold_constants import fold_constants
from relocatable.read_tflite import read_tflite
from relocatable.support import check_support
from tests.make_tflite import make_tflite, run_litert
from tests.numeric.harness import inputs_of as random_inputs_of
from tests.numeric.harness import mismatch, reference, sample
from tests.numeric.on_target import check_on_target

CPUS = ("cortex-m0plus", "cortex-m4", "cortex-m55", "rv32imac")
PLAIN = {"fused_activation_function": "NONE"}


class Loop(GraphBuilder):
    """The condition or the body of a loop over (index, values ..)."""

    def __init__(self, *shapes: tuple[int, ...], dtype: str = "float32") -> None:
        super().__init__()
        self.dtype = dtype
        self.index = self.input(dtype="int32")
        self.values = [self.input(*shape, dtype=dtype) for shape in shapes]

    def below(self, limit: int) -> Graph:
        """Return the graph that goes on while the index is below a constant."""
        c = self.op("LESS", (self.index, self.constant(limit)), self.tensor(dtype="bool"))
        return self.graph(c)

    def next(self, *values: int) -> Graph:
        """Return the graph that counts on."""
        step = (self.index, self.constant(1))
        return self.graph(self.op("ADD", step, self.tensor(dtype="int32"), **PLAIN), *values)

    def apply(self, kind: str, *inputs: int, **attrs: str) -> int:
        """Add an operator that keeps the shape of its first input."""
        shape = self.tensors[inputs[0]].shape
        return self.op(kind, inputs, self.tensor(*shape, dtype=self.dtype), **attrs)


def loop(b: GraphBuilder, condition: Graph, body: Graph, *inputs: int) -> list[int]:
    """Add a WHILE; return its outputs."""
    outputs = [b.tensor(*b.tensors[i].shape, dtype=b.tensors[i].dtype) for i in inputs]
    b.ops.append(Op("WHILE", f"t{outputs[0]}", inputs, tuple(outputs), {}, (condition, body)))
    return outputs


def choice(b: GraphBuilder, flag: int, then: Graph, other: Graph, *inputs: int) -> list[int]:
    """Add an IF; return its outputs."""
    tensors = [then.tensors[i] for i in then.outputs]
    outputs = [b.tensor(*t.shape, dtype=t.dtype) for t in tensors]
    b.ops.append(Op("IF", f"t{outputs[0]}", (flag, *inputs), tuple(outputs), {}, (then, other)))
    return outputs


def branch(kind: str) -> Graph:
    """Make a graph of one operator."""
    b = GraphBuilder()
    x = b.input(1, 4, dtype="float32")
    return b.graph(b.op(kind, (x,), b.tensor(1, 4, dtype="float32")))


def rounds(count: int = 4) -> Graph:
    """Compute x = tanh(x + y), y = x * y, count times."""
    body = Loop((1, 6), (1, 6))
    x, y = body.values
    z = body.apply("TANH", body.apply("ADD", x, y, **PLAIN))
    b = GraphBuilder()
    given = (b.constant(0), b.input(1, 6, dtype="float32"), b.input(1, 6, dtype="float32"))
    test = Loop((1, 6), (1, 6)).below(count)
    outputs = loop(b, test, body.next(z, body.apply("MUL", x, y, **PLAIN)), *given)
    return b.graph(*outputs[1:])


def until_large() -> Graph:
    """Add to x until its largest value is above 9: the rounds depend on the input."""
    test = Loop((2, 3))
    operands = (test.values[0], test.constant([0, 1]))
    most = test.op("REDUCE_MAX", operands, test.tensor(dtype="float32"), keep_dims=False)
    limit = test.constant(9.0, "float32")
    condition = test.graph(test.op("LESS_EQUAL", (most, limit), test.tensor(dtype="bool")))
    body = Loop((2, 3))
    more = body.constant(0.75, "float32")
    b = GraphBuilder()
    given = (b.constant(0), b.input(2, 3, dtype="float32"))
    outputs = loop(
        b, condition, body.next(body.apply("ADD", body.values[0], more, **PLAIN)), *given
    )
    return b.graph(*outputs)


def endless() -> Graph:
    """Make a loop whose condition is computed, and always true."""
    test = Loop((1, 4))
    condition = test.op("EQUAL", (test.index, test.index), test.tensor(dtype="bool"))
    b = GraphBuilder()
    given = (b.constant(0), b.input(1, 4, dtype="float32"))
    body = Loop((1, 4))
    return b.graph(loop(b, test.graph(condition), body.next(body.values[0]), *given)[1])


def counted_from_an_input(limit: int) -> Graph:
    """Make a loop that counts from an input up to a constant."""
    b, body = GraphBuilder(), Loop((1, 4))
    given = (b.input(dtype="int32"), b.input(1, 4, dtype="float32"))
    doubled = body.apply("ADD", body.values[0], body.values[0], **PLAIN)
    return b.graph(*loop(b, Loop((1, 4)).below(limit), body.next(doubled), *given))


def recurrent(
    steps: int = 5, features: int = 4, units: int = 6, returns_all: bool = False
) -> Graph:
    """Compute h = tanh(x[i] U + h W); the loop carries the weights, too."""
    rng = np.random.default_rng(3)
    shapes = ((steps, features), (1, units), (units, features), (units, units))
    body = Loop(*shapes)
    x, h, u, w = body.values
    row = body.tensor(features, dtype="float32")
    body.op("GATHER", (x, body.index), row, axis=0, batch_dims=0)
    shape, a = body.constant([1, features]), body.tensor(1, features, dtype="float32")
    row = body.op("RESHAPE", (row, shape), a)
    bias = body.constant(rng.normal(0, 1, units), "float32")
    fc: dict[str, AttrValue] = {
        "fused_activation_function": "NONE",
        "keep_num_dims": False,
        "weights_format": "DEFAULT",
    }
    a = body.op("FULLY_CONNECTED", (row, u, bias), body.tensor(1, units, dtype="float32"), **fc)
    c = body.op("FULLY_CONNECTED", (h, w, bias), body.tensor(1, units, dtype="float32"), **fc)
    h_next = body.apply("TANH", body.apply("ADD", a, c, **PLAIN))
    b = GraphBuilder()
    given = [b.constant(0), b.input(steps, features, dtype="float32")]
    given.append(b.constant(np.zeros((1, units)), "float32"))
    given += [b.constant(rng.normal(0, 1, shape), "float32") for shape in shapes[2:]]
    outputs = loop(b, Loop(*shapes).below(steps), body.next(x, h_next, u, w), *given)
    return b.graph(*(outputs[:3] if returns_all else outputs[2:3]))


def within_each_other() -> Graph:
    """Put a choice into a loop in a loop in a choice."""
    then, other = branch("NEG"), branch("ABS")
    inner = Loop((1, 4))
    even = inner.op("EQUAL", (inner.index, inner.constant(1)), inner.tensor(dtype="bool"))
    [y] = choice(inner, even, then, other, inner.values[0])
    half = inner.constant(0.5, "float32")
    inner_body = inner.next(inner.apply("SUB", y, half, **PLAIN))
    outer = Loop((1, 4))
    zero = outer.constant(0)
    _, z = loop(outer, Loop((1, 4)).below(3), inner_body, zero, outer.values[0])
    outer_body = outer.next(outer.apply("MUL", z, outer.constant(1.5, "float32"), **PLAIN))
    with_loop = GraphBuilder()
    x = with_loop.input(1, 4, dtype="float32")
    _, y = loop(with_loop, Loop((1, 4)).below(2), outer_body, with_loop.constant(0), x)
    b = GraphBuilder()
    flag, x = b.input(dtype="bool"), b.input(1, 4, dtype="float32")
    return b.graph(*choice(b, flag, with_loop.graph(y), then, x))


def turned_around() -> Graph:
    """Reverse x, and add up y by the loop inside: neither can lie where it is read."""
    body = Loop((1, 6), (1, 6))
    x, y = body.values
    axis, shape = body.constant([1]), (1, 6)
    reverse = body.op("REVERSE_V2", (x, axis), body.tensor(*shape, dtype="float32"))
    inner = Loop(shape)
    inner_body = inner.next(inner.apply("ADD", inner.values[0], inner.values[0], **PLAIN))
    _, doubled = loop(body, Loop(shape).below(2), inner_body, body.index, y)
    b = GraphBuilder()
    given = (b.constant(0), *(b.input(*shape, dtype="float32") for _ in range(2)))
    test = Loop(shape, shape).below(3)
    return b.graph(*loop(b, test, body.next(reverse, doubled), *given)[1:])


GRAPHS = {
    "turned_around": turned_around,
    "rounds": rounds,
    "no_round": lambda: rounds(0),
    "until_large": until_large,
    "recurrent": recurrent,
    "all_of_recurrent": lambda: recurrent(returns_all=True),
    "within_each_other": within_each_other,
}


def inputs_of(graph: Graph, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    found = []
    for tensor in (graph.tensors[i] for i in graph.inputs):
        is_flag = tensor.dtype == "bool"
        values = np.asarray(seed % 2 == 0) if is_flag else rng.normal(0, 2, tensor.shape)
        found.append(values.astype(tensor.dtype))
    return found


def check_blob(graph: Graph, inputs: Sequence[list[np.ndarray]]) -> None:
    """Compare the outputs of a few runs of a blob with LiteRT's."""
    data = make_tflite(graph)
    with HostModel(compile_model(data, target="host")) as model:
        for given in inputs:
            model.write_inputs(given)
            model.run()
            wanted = reference(data, given)
            for got, output in zip(model.outputs(), graph.outputs, strict=True):
                want = wanted[output]
                assert mismatch(got, want) == ""


@pytest.mark.parametrize("name", GRAPHS)
def test_blobs_are_exact(name: str) -> None:
    graph = GRAPHS[name]()
    check_blob(graph, [inputs_of(graph, seed) for seed in range(4)])


@pytest.mark.parametrize("dtype", ["int8", "float32"])
@pytest.mark.parametrize("kind", ["IF", "WHILE"])
def test_blobs_of_samples_are_exact(kind: str, dtype: str) -> None:
    rng = np.random.default_rng(11)
    for _ in range(6):
        graph = sample(rng, kind, dtype)
        check_blob(graph, [random_inputs_of(rng, graph) for _ in range(4)])


@pytest.mark.sim
@pytest.mark.parametrize("target", CPUS)
def test_machines(target: str, tmp_path: Path) -> None:
    check_on_target([make() for make in GRAPHS.values()], target, tmp_path)


def test_a_loop_carries_what_changes() -> None:
    [op] = lower(read_tflite(make_tflite(recurrent()), "loop")).ops
    # The index and h are carried, x is read where it lies.
    assert (len(op.inputs), len(op.outputs)) == (3, 2)
    states = op.subgraphs[1].states
    assert [state.first == state.last for state in states] == [False, False, True]


def test_an_endless_loop_gives_up() -> None:
    data = make_tflite(endless())
    with pytest.raises(RunError, match="step 0 must return 0; returned 1"):
        compile_model(data, target="host")
    blob = compile_model(data, target="host", golden=False)
    with HostModel(blob) as model:
        model.write_inputs([np.zeros((1, 4), np.float32)])
        with pytest.raises(RunError, match="returned 1"):
            model.run()


@pytest.mark.parametrize("limit", [-(2**31), 0, 3, 1000])
def test_a_loop_that_counts_from_an_input_has_a_golden_vector(limit: int) -> None:
    data = make_tflite(counted_from_an_input(limit))
    blob = compile_model(data, target="host")
    assert Blob.unpack(blob).golden is not None
    x = np.array([[1, -2, 0.5, 0]], np.float32)
    inputs = [np.array(max(limit - 5, -(2**31)), np.int32), x]
    with HostModel(blob) as model:
        model.write_inputs(inputs)
        model.run()
        for got, want in zip(model.outputs(), run_litert(data, inputs), strict=True):
            assert mismatch(got, want) == ""


def test_a_loop_that_is_never_entered_is_folded() -> None:
    graph = fold_constants(read_tflite(make_tflite(never()), "never"))
    assert [op.kind for op in graph.ops] == ["RESHAPE", "NEG"]


@pytest.mark.parametrize("flag", [True, False])
def test_a_choice_by_a_constant_is_folded(flag: bool) -> None:
    then, other = (branch(kind) for kind in ("NEG", "ABS"))
    b = GraphBuilder()
    outputs = choice(b, b.constant(flag, "bool"), then, other, b.input(1, 4, dtype="float32"))
    graph = b.graph(*outputs)
    [op] = lower(read_tflite(make_tflite(graph), "choice")).ops
    assert op.kind == ("NEG" if flag else "ABS")
    check_blob(graph, [inputs_of(graph, seed) for seed in range(4)])


def never() -> Graph:
    """Make a loop whose condition is a constant."""
    test, body = Loop((1, 4)), Loop((1, 4))
    b = GraphBuilder()
    given = (b.constant(0), b.input(1, 4, dtype="float32"))
    condition = test.graph(test.constant(False, "bool"))
    y = loop(b, condition, body.next(body.values[0]), *given)[1]
    return b.graph(b.op("NEG", (y,), b.tensor(1, 4, dtype="float32")))


def changed(op: Op, **parts: Any) -> Graph:
    """Change a loop."""
    graph = rounds()
    return replace(graph, ops=(replace(graph.ops[0], **parts),))


def test_what_is_refused() -> None:
    [op] = rounds().ops
    test, body = op.subgraphs
    index, x, _ = body.outputs
    always = Loop((1, 6), (1, 6))
    swapped = replace(body, outputs=(index, body.inputs[2], body.inputs[1]))
    shorter = replace(body, outputs=(index, x))
    wrong = replace(test, outputs=(test.inputs[1],))
    forever = always.graph(always.constant(True, "bool"))
    for graphs, rule in (
        ((test, swapped), "must not return an input in the place of a later one"),
        ((test, shorter), "must keep their types and shapes"),
        ((wrong, body), "must compute one value of bool"),
        ((forever, body), "is always true"),
    ):
        graph = changed(op, subgraphs=graphs)
        with pytest.raises(UnsupportedError, match=rule):
            check_support(graph)


def test_operators_of_subgraphs_keep_their_rules() -> None:
    [op] = rounds().ops
    test, body = op.subgraphs
    bad = replace(body, ops=(replace(body.ops[0], kind="UNIQUE"), *body.ops[1:]))
    with pytest.raises(UnsupportedError, match=r"UNIQUE .*: operator must be one of"):
        check_support(changed(op, subgraphs=(test, bad)))
