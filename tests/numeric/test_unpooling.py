"""MaxPoolingWithArgmax2D and MaxUnpooling2D belong together, and survive all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relocatable.errors import UnsupportedError
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue
from relocatable.ops.max_unpooling_2d import POOLING, UNPOOLING
from relocatable.support import check_support
from tests.numeric.harness import build, sample

OPTIONS: dict[str, AttrValue] = {
    "padding": 1,
    "stride_width": 2,
    "stride_height": 2,
    "filter_width": 2,
    "filter_height": 2,
    "activation": 0,
}


def test_values_come_back_to_their_places() -> None:
    b = GraphBuilder()
    x = b.input(1, 6, 8, 3, dtype="float32")
    pooled, places = (b.tensor(1, 3, 4, 3, dtype="float32") for _ in range(2))
    b.op(POOLING, (x,), pooled, places, **OPTIONS)
    y = b.op(UNPOOLING, (pooled, places), b.tensor(1, 6, 8, 3, dtype="float32"), **OPTIONS)
    graph = b.graph(y)
    check_support(graph)
    image = np.random.default_rng(1).normal(0, 1, (1, 6, 8, 3)).astype(np.float32)
    [program] = build([graph])
    found = program.run([image])
    blocks = image.reshape(3, 2, 4, 2, 3)
    maxima = blocks.max(axis=(1, 3), keepdims=True)
    np.testing.assert_array_equal(found[pooled], maxima.reshape(1, 3, 4, 3))
    wanted = np.where(blocks == maxima, blocks, 0).reshape(image.shape)
    np.testing.assert_array_equal(found[y], wanted)


def test_places_of_any_value_are_survived() -> None:
    graph = sample(np.random.default_rng(2), UNPOOLING, "float32")
    [program] = build([graph])
    shape = graph.tensors[graph.inputs[0]].shape
    for value in (np.nan, np.inf, -np.inf, 3e38, -3e38, 2.0**31, -(2.0**31), 1e7, -1e7):
        found = program.run([np.ones(shape, np.float32), np.full(shape, value, np.float32)])
        assert not found[graph.outputs[0]].any()


@pytest.mark.parametrize(
    ("option", "value"),
    [("padding", 0), ("stride_width", 0), ("filter_height", 1 << 30), ("activation", 4)],
)
@pytest.mark.parametrize("kind", [POOLING, UNPOOLING])
def test_what_is_refused(kind: str, option: str, value: int) -> None:
    graph = sample(np.random.default_rng(3), kind, "float32")
    op = graph.ops[0]
    check_support(graph)
    with pytest.raises(UnsupportedError, match="must be"):
        check_support(replace(graph, ops=(replace(op, attrs={**op.attrs, option: value}),)))
