"""Indices of GATHER and its kin that are out of range."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.errors import UnsupportedError
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.support import check_support
from tests.numeric.harness import build


def gather(kind: str, count: int, dtype: str, constant: list[int] | None = None) -> Graph:
    b = GraphBuilder()
    x = b.input(3, 2)
    shape = (count, 1) if kind == "GATHER_ND" else (count,)
    if constant is None:
        indices = b.input(*shape, dtype=dtype)
    else:
        indices = b.constant(np.reshape(constant, shape), dtype)
    attrs = {"axis": 0, "batch_dims": 0} if kind == "GATHER" else {}
    return b.graph(b.op(kind, (x, indices), b.tensor(count, 2), **attrs))


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("kind", ["GATHER", "GATHER_ND"])
def test_computed_indices_outside_count_as_the_nearest(kind: str, dtype: str) -> None:
    info = np.iinfo(dtype)
    wild = [-1, 0, 2, 3, int(info.min), int(info.max), -(1 << 31), (1 << 31) - 1]
    if dtype == "int64":
        wild += [1 << 32, (1 << 32) + 1, -(1 << 32), 1 << 31]
    [program] = build([gather(kind, len(wild), dtype)])
    values = np.arange(6, dtype=np.int8).reshape(3, 2)
    indices = np.array(wild, dtype)
    found = program.run([values, indices])[program.graph.outputs[0]]
    assert (found == values[np.clip(indices, 0, 2)]).all()


@pytest.mark.parametrize("kind", ["GATHER", "GATHER_ND"])
@pytest.mark.parametrize("wrong", [-1, 3])
def test_constant_indices_outside_are_refused(kind: str, wrong: int) -> None:
    check_support(gather(kind, 2, "int64", [0, 2]))
    with pytest.raises(UnsupportedError, match="constants must be inside"):
        check_support(gather(kind, 2, "int64", [0, wrong]))
