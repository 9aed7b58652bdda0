"""PAD, PADV2, CONCATENATION against LiteRT."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable import compile_model
from relocatable.blob.host import run
from relocatable.errors import RelocatableError
from relocatable.graph.builder import GraphBuilder
from tests.make_tflite import make_tflite
from tests.numeric.harness import check, sample


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("kind", ["PAD", "PADV2"])
def test_pads(kind: str, dtype: str) -> None:
    rng = np.random.default_rng(61)
    check([sample(rng, kind, dtype) for _ in range(25)], "size")


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_concatenation(dtype: str) -> None:
    rng = np.random.default_rng(62)
    check([sample(rng, "CONCATENATION", dtype) for _ in range(25)], "size")


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_a_computed_slice_begins_inside(dtype: str) -> None:
    b = GraphBuilder()
    x, begin = b.input(4, 5, dtype="int8"), b.input(2, dtype=dtype)
    size = b.constant(np.array([2, 3]), dtype)
    graph = b.graph(b.op("SLICE", [x, begin, size], b.tensor(2, 3, dtype="int8")))
    blob = compile_model(make_tflite(graph), target="host")
    values = np.arange(20, dtype=np.int8).reshape(4, 5)
    far = np.iinfo(dtype)
    for row, column in ((1, 2), (0, 0), (-3, 1), (9, -9), (far.max, far.min)):
        part = run(blob, [values, np.array([row, column], dtype)])
        r, c = min(max(row, 0), 2), min(max(column, 0), 2)
        np.testing.assert_array_equal(part, values[r : r + 2, c : c + 3])


def test_a_computed_slice_that_cannot_be_is_refused() -> None:
    b = GraphBuilder()
    x, begin = b.input(4, 5, dtype="int8"), b.input(2, dtype="int32")
    size = b.constant(np.array([2, 6]), "int32")
    graph = b.graph(b.op("SLICE", [x, begin, size], b.tensor(2, 6, dtype="int8")))
    with pytest.raises(RelocatableError, match="where begin is computed"):
        compile_model(make_tflite(graph), target="host")
