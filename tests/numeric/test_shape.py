"""BROADCAST_ARGS against LiteRT; it is always folded."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import GraphError
from relocatable.passes.fold_constants import fold_constants
from tests.make_tflite import make_tflite
from tests.numeric.harness import reference


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize(
    ("first", "second"), [([1, 3], [2, 1, 1]), ([5], [5]), ([4, 1], [1, 7]), ([1], [2, 3, 4])]
)
def test_broadcast_args(dtype: str, first: list[int], second: list[int]) -> None:
    shapes = [np.array(shape, dtype) for shape in (first, second)]
    b = GraphBuilder()
    inputs = [b.input(len(x), dtype=dtype) for x in shapes]
    y = b.tensor(max(len(first), len(second)), dtype=dtype)
    wanted = reference(make_tflite(b.graph(b.op("BROADCAST_ARGS", inputs, y))), shapes)[y]
    assert folded(dtype, first, second) == wanted.tolist()


def test_shapes_that_do_not_stretch_are_refused() -> None:
    with pytest.raises(GraphError, match="constants must fit"):
        folded("int32", [2], [3])


def folded(dtype: str, first: list[int], second: list[int]) -> list[int]:
    b = GraphBuilder()
    inputs = [b.constant(shape, dtype) for shape in (first, second)]
    y = b.tensor(max(len(first), len(second)), dtype=dtype)
    found = fold_constants(b.graph(b.op("BROADCAST_ARGS", inputs, y))).tensors[y].data
    return [int(d) for d in np.asarray(found)]
