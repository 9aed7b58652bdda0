"""Every operator's samples: taken, as exact as its reference and its meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from relocatable.errors import RelocatableError
from relocatable.graph.graph import Graph
from relocatable.ops import OPERATORS
from relocatable.ops.node import Node
from relocatable.ops.operator import Operator
from relocatable.passes.fold_constants import fold_constants
from relocatable.read_tflite import read_tflite
from relocatable.support import check_support
from tests.make_tflite import make_tflite
from tests.numeric.cases import Case, Shard, record_cases, shards
from tests.numeric.harness import (
    Array,
    Program,
    build,
    describe,
    expected,
    initial_values,
    inputs_of,
    mismatch,
    reference,
    wrong_outputs,
)

Record = Callable[[str, object], None]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "shard" in metafunc.fixturenames:
        metafunc.parametrize("shard", shards(metafunc.config), ids=str)


@pytest.mark.numbered_cases
def test_samples_are_exact(shard: Shard, record_property: Record) -> None:
    made = [case.make() for case in shard.cases]
    graphs = [graph for graph, _, _ in made]
    wrong: dict[Case, str] = {}
    small, fast = (build(graphs, optimize) for optimize in ("size", "speed"))
    for case, (graph, model, inputs), *programs in zip(shard.cases, made, small, fast, strict=True):
        try:
            check_case(case.kind, graph, model, inputs, programs)
        except (AssertionError, RelocatableError, ValueError, RuntimeError) as error:
            wrong[case] = str(error)
    record_cases(record_property, shard, len(wrong))
    assert not wrong, "\n".join(f"{case}: {text}" for case, text in wrong.items())


def check_case(
    kind: str, graph: Graph, model: bytes, inputs: list[Array], programs: Sequence[Program]
) -> None:
    """Compare what each build computes, and the meaning, with the reference."""
    check_support(graph)
    assert read_tflite(model, "sample").ops[0].attrs == graph.ops[0].attrs
    wanted = expected(graph, model, inputs)
    for program in programs:
        wrong = wrong_outputs(graph, program.run(inputs), wanted)
        assert not wrong, wrong[0]
    check_meaning(OPERATORS[kind], graph, inputs, wanted)


def check_meaning(
    operator: Operator, graph: Graph, inputs: list[Array], wanted: Mapping[int, Array]
) -> None:
    """Compare LiteRT's outputs with the operator's meaning in NumPy."""
    if operator.evaluate is None:
        return
    op = next(op for op in graph.ops if op.kind == operator.kind)
    node, known = Node.of(graph, op), dict(wanted) | dict(zip(graph.inputs, inputs, strict=True))
    known |= {s.first: initial_values(graph, s) for s in graph.states}
    values = [
        t.data if t.data is not None else known[i]
        for i, t in zip(op.inputs, node.inputs, strict=True)
    ]
    found = operator.evaluate(node, values)
    for output, meant in zip(
        op.outputs, found if isinstance(found, tuple) else (found,), strict=True
    ):
        want, meant = wanted[output], meant.reshape(graph.tensors[output].shape)
        if operator.folds == "constants" and meant.dtype != want.dtype:
            with np.errstate(invalid="ignore"):
                meant = meant.astype(want.dtype)
            exact = np.trunc(values[0].astype(np.float64)).reshape(want.shape)
            info = np.iinfo(want.dtype) if want.dtype.kind in "iu" else np.finfo(np.float32)
            fits = (exact >= info.min) & (exact <= info.max)  # beyond, C and NumPy say nothing
            meant, want = meant[fits], want[fits]
        assert mismatch(meant, want) == "", describe(graph)


VARIABLES = ("VAR_HANDLE", "CALL_ONCE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def test_every_operator_is_swept_or_always_folded() -> None:
    for operator in OPERATORS.values():
        if operator.kind in VARIABLES:
            continue  # tests/numeric/test_states.py
        if operator.is_call:
            continue  # what it calls is swept
        is_folded = operator.folds != "never" and operator.evaluate is not None
        assert operator.samples or (is_folded and not operator.kernels), operator.kind
        assert operator.evaluate is not None or operator.subgraphs, operator.kind


FOLDED = [
    pytest.param(operator, dtype, id=f"{operator.kind}-{dtype}")
    for operator in OPERATORS.values()
    for dtype in operator.samples
    if operator.folds == "constants"
]


@pytest.mark.parametrize(("operator", "dtype"), FOLDED)
def test_constants_fold_to_what_litert_computes(operator: Operator, dtype: str) -> None:
    rng = np.random.default_rng(64)
    graph = operator.samples[dtype](rng, dtype)
    inputs = [abs(x) if dtype == "float32" else x for x in inputs_of(rng, graph)]
    wanted = reference(make_tflite(graph), inputs)
    tensors = list(graph.tensors)
    for i, x in zip(graph.inputs, inputs, strict=True):
        tensors[i] = replace(tensors[i], data=x)
    folded = fold_constants(replace(graph, tensors=tuple(tensors)))
    assert folded.ops == ()
    for output in graph.ops[0].outputs:
        data = folded.tensors[output].data
        assert data is not None
        assert mismatch(data, wanted[output]) == "", describe(graph)
