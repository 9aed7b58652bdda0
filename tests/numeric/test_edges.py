"""Edges of every operator: refused in words, or computed as LiteRT computes them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from relocatable.errors import UnsupportedError
from relocatable.graph.graph import Graph, GraphError
from relocatable.ops import OPERATORS
from relocatable.support import check_support
from tests.make_tflite import make_tflite
from tests.numeric.cases import Case
from tests.numeric.edges import WINDOWS, other_shapes, other_windows
from tests.numeric.harness import build, describe, inputs_of, mismatch, reference

KINDS = [operator.kind for operator in OPERATORS.values() if operator.samples]
EMPTY = "no values"


@pytest.mark.few(40)
@pytest.mark.parametrize("kind", KINDS)
def test_other_shapes(kind: str) -> None:
    taken: list[Graph] = []
    operator = OPERATORS[kind]
    for dtype in operator.samples:
        graph, _, _ = Case(kind, dtype, 0).make()
        for name, other in other_shapes(graph):
            if is_taken(other):
                assert not name.startswith(EMPTY), f"{name}: {describe(other)}"
                if operator.reference_for(dtype) == "LiteRT":  # which reads a file's own shapes
                    taken.append(other)
    compare(taken)


@pytest.mark.few(2)
@pytest.mark.parametrize("kind", WINDOWS)
def test_other_windows(kind: str) -> None:
    taken: list[Graph] = []
    for dtype in OPERATORS[kind].samples:
        for number in range(2):
            graph, _, _ = Case(kind, dtype, number).make()
            found = [other for _, other in other_windows(graph) if is_taken(other)]
            assert len(found) > 20
            taken += found
    compare(taken)


def is_taken(graph: Graph) -> bool:
    """Say whether no rule refuses a graph."""
    try:
        check_support(graph)
    except (UnsupportedError, GraphError):
        return False
    return True


def compare(graphs: Iterable[Graph]) -> None:
    """Compare values, but not shapes, with those of LiteRT, if it takes a graph."""
    rng = np.random.default_rng(17)
    graphs = list(graphs)
    for graph, program in zip(graphs, build(graphs, "size") if graphs else [], strict=True):
        inputs = inputs_of(rng, graph)
        try:
            want = reference(make_tflite(graph), inputs)
        except RuntimeError:
            continue
        got = program.run(inputs)
        for output in graph.outputs:
            text = mismatch(got[output].reshape(-1), want[output].reshape(-1))
            assert text == "", f"{text}: {describe(graph)}"
