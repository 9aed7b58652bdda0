"""Constants that files store packed or sparse, and damaged ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relocatable.errors import ModelError, UnsupportedError
from relocatable.graph.graph import Graph, Quant
from relocatable.graph.sparse import Level, SparseError, Sparsity, expand
from relocatable.ops import OPERATORS
from relocatable.ops._shared.layer import HYBRID
from relocatable.read_tflite import read_tflite
from relocatable.support import check_support
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite, run_litert, schema
from tests.numeric.harness import inputs_of
from tests.stored_weights import make_sparse, pack

Array = np.ndarray[Any, Any]
Edit = Callable[[Any], None]
W = 1  # the tensor that holds the weights


def dense_graph(weights: Array, dtype: str = "float32") -> Graph:
    """Make a FULLY_CONNECTED of the weights."""
    b = GraphBuilder()
    is_float = dtype == "float32"
    x = b.input(1, weights.shape[1], dtype=dtype)
    w = b.constant(weights, dtype, None if is_float else Quant((0.1,), (0,)))
    assert w == W
    y = b.tensor(1, weights.shape[0], dtype=dtype)
    return b.graph(b.op("FULLY_CONNECTED", (x, w), y, fused_activation_function="NONE"))


def weights_of(graph: Graph, edit: Edit) -> Array:
    data = read_tflite(make_tflite(graph, edit), "test").tensors[W].data
    assert data is not None
    return data


def some_zeros(shape: Sequence[int], seed: int = 1) -> Array:
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < 0.3, rng.integers(1, 9, shape), 0)


@pytest.mark.parametrize(("bits", "low", "high"), [(4, -8, 8), (2, -2, 2)])
@pytest.mark.parametrize("columns", [1, 6, 7])
def test_packed_constants_become_int8(bits: int, low: int, high: int, columns: int) -> None:
    weights = np.random.default_rng(2).integers(low, high, (3, columns))
    read = weights_of(dense_graph(weights, "int8"), lambda model: pack(model, W, bits))
    assert read.dtype == np.int8
    assert np.array_equal(read, weights)


def test_packed_constants_must_have_the_bytes_of_their_shape() -> None:
    def damage(model: Any) -> None:
        pack(model, W, 4)
        model.buffers[model.subgraphs[0].tensors[W].buffer].data = np.zeros(11, np.uint8)

    assert not weights_of(dense_graph(np.zeros((3, 7)), "int8"), damage).any()
    for columns, size in ((5, 8), (9, 14)):
        with pytest.raises(ModelError, match=f"bytes of constant 'c1' must be {size}; is 11"):
            weights_of(dense_graph(np.zeros((3, columns)), "int8"), damage)


def test_computed_tensors_of_4_bits_are_refused() -> None:
    def damage(model: Any) -> None:
        model.subgraphs[0].tensors[0].type = schema.TensorType.INT4

    with pytest.raises(UnsupportedError, match=r"'t0': dtype .*; is int4"):
        read_tflite(make_tflite(dense_graph(np.zeros((3, 7)), "int8"), damage), "test")


SPARSE = [
    ([0, 1], [False, True], ()),
    ([1, 0], [False, True], ()),
    ([0, 1], [True, True], ()),
    ([0, 1], [True, False], ()),
    ([0, 1, 2], [False, True, False], ((1, 4),)),
    ([0, 1, 2, 3], [False, True, False, False], ((0, 2), (1, 4))),
    ([1, 0, 3, 2], [True, True, False, False], ((0, 2), (1, 4))),
    ([0, 1, 2], [False, False, True], ((1, 4),)),
]


@pytest.mark.parametrize(("order", "compressed", "blocks"), SPARSE)
@pytest.mark.parametrize("vector", ["Int32Vector", "Uint16Vector", "Uint8Vector"])
def test_sparse_constants_become_dense(
    order: list[int], compressed: list[bool], blocks: tuple[tuple[int, int], ...], vector: str
) -> None:
    weights = some_zeros((6, 8))
    for values in (weights, 0 * weights, weights + 1):
        read = weights_of(
            dense_graph(values), lambda m: make_sparse(m, W, order, compressed, blocks, vector)
        )
        assert np.array_equal(read, values)


def test_densify_is_done_while_reading() -> None:
    weights = some_zeros((6, 8))
    b = GraphBuilder()
    x, w = b.input(1, 8, dtype="float32"), b.constant(weights, "float16")
    half = b.op("DENSIFY", (w,), b.tensor(6, 8, dtype="float32"))
    real = b.op("DEQUANTIZE", (half,), b.tensor(6, 8, dtype="float32"))
    y = b.tensor(1, 6, dtype="float32")
    graph = b.graph(b.op("FULLY_CONNECTED", (x, real), y, fused_activation_function="NONE"))

    def edit(model: Any) -> None:
        make_sparse(model, w, [0, 1], [False, True])
        model.subgraphs[0].tensors[half].type = schema.TensorType.FLOAT16

    read = read_tflite(make_tflite(graph, edit), "test")
    assert [op.kind for op in read.ops] == ["DEQUANTIZE", "FULLY_CONNECTED"]
    data = read.tensors[half].data
    assert data is not None
    assert data.dtype == np.float16
    assert np.array_equal(data, weights)


def test_densify_of_a_computed_tensor_is_unknown() -> None:
    b = GraphBuilder()
    x = b.input(1, 8, dtype="float32")
    graph = b.graph(b.op("DENSIFY", (x,), b.tensor(1, 8, dtype="float32")))
    assert [op.kind for op in read_tflite(make_tflite(graph), "test").ops] == ["DENSIFY"]


def test_sparse_inputs_are_refused() -> None:
    def damage(model: Any) -> None:
        make_sparse(model, W, [0, 1], [False, True])
        model.subgraphs[0].tensors[0].sparsity = model.subgraphs[0].tensors[W].sparsity

    with pytest.raises(UnsupportedError, match="'t0': must be a plain array or a sparse constant"):
        read_tflite(make_tflite(dense_graph(some_zeros((6, 8))), damage), "test")


def _level(i: int, **changes: Any) -> Edit:
    def edit(model: Any) -> None:
        make_sparse(model, W, [0, 1], [False, True])
        level = model.subgraphs[0].tensors[W].sparsity.dimMetadata[i]
        for key, value in changes.items():
            target = level if hasattr(level, key) else None
            if target is None:
                getattr(level, f"array{key.capitalize()}").values = value
            else:
                setattr(level, key, value)

    return edit


def _parameters(**changes: Any) -> Edit:
    def edit(model: Any) -> None:
        make_sparse(model, W, [0, 1], [False, True])
        for key, value in changes.items():
            setattr(model.subgraphs[0].tensors[W].sparsity, key, value)

    return edit


def _bytes(count: int) -> Edit:
    def edit(model: Any) -> None:
        make_sparse(model, W, [0, 1], [False, True])
        model.buffers[model.subgraphs[0].tensors[W].buffer].data = np.zeros(count, np.uint8)

    return edit


def _huge(model: Any) -> None:
    make_sparse(model, W, [0, 1], [False, True])
    model.subgraphs[0].tensors[W].shape = [1 << 12, 1 << 13]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_parameters(traversalOrder=[0, 0]), "traversal order must be dimensions, then blocks"),
        (_parameters(traversalOrder=[0]), "traversal order must be dimensions"),
        (_parameters(traversalOrder=[0, -1]), "traversal order must be dimensions"),
        (_parameters(dimMetadata=[]), "levels must be as many as 2; are 0"),
        (_parameters(blockMap=[7]), "traversal order must be dimensions, then blocks"),
        (_parameters(blockMap=[7], traversalOrder=[0, 1, 2]), "levels must be as many as 3"),
        (_parameters(traversalOrder=[0] * 99), "levels and blocks .* must be in"),
        (_level(0, denseSize=5), "dense level must have 6 indices; has 5"),
        (_level(0, denseSize=-1), "dense level must have 6 indices; has -1"),
        (_level(1, segments=[0, 1]), "segments must be at least 7; are 2"),
        (_level(1, segments=[0, 9, 1, 1, 1, 1, 1]), "segments must rise within"),
        (_level(1, segments=[0, 1, 2, 3, 4, 5, 1 << 30]), "segments must rise within"),
        (_level(1, segments=[-1, 1, 2, 3, 4, 5, 6]), "segments must rise within"),
        (_level(1, indices=[8] * 15), "indices must be in|segments must rise"),
        (_level(1, indices=[-1] * 15), "indices must be in|segments must rise"),
        (_level(1, arraySegmentsType=0), "indices of a sparse constant must be a vector"),
        (_level(1, format=0, denseSize=8), "values must be as many as leaves, 48"),
        (_bytes(6), "bytes of constant 'c1' must be a multiple of 4; is 6"),
        (_bytes(8), "values must be as many as leaves"),
        (_huge, "bytes of sparse constants, made dense"),
    ],
)
def test_damage_is_a_model_error(edit: Edit, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read_tflite(make_tflite(dense_graph(some_zeros((6, 8))), edit), "test")


def test_blocks_divide_each_dimension_once() -> None:
    levels = [Level(2), Level(2), Level(2), Level(2)]
    for block_map, message in (([1, 1], "different dimensions"), ([0, 5], "different dimensions")):
        with pytest.raises(SparseError, match=message):
            expand(np.zeros(16), (4, 4), Sparsity([0, 1, 2, 3], block_map, levels), 100)
    with pytest.raises(SparseError, match=r"blocks must divide \[4, 5\]; are \[1, 2\]"):
        expand(np.zeros(20), (4, 5), Sparsity([0, 1, 2], [1], [Level(4), Level(2), Level(2)]), 100)


def test_a_level_has_at_most_as_many_nodes_as_the_file_has_bytes() -> None:
    with pytest.raises(SparseError, match="nodes of a level must be at most 15; are 16"):
        expand(np.zeros(16), (4, 4), Sparsity([0, 1], [], [Level(4), Level(4)]), 15)


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=1, max_size=40), st.integers(0, 1 << 30))
def test_random_damage_is_typed(noise: bytes, at: int) -> None:
    model = bytearray(SPARSE_MODEL)
    start = at % len(model)
    noise = noise[: len(model) - start]
    model[start : start + len(noise)] = noise
    with contextlib.suppress(ModelError, UnsupportedError):
        read_tflite(bytes(model), "test")


SPARSE_MODEL = make_tflite(
    dense_graph(some_zeros((6, 8))),
    lambda m: make_sparse(m, W, [0, 1, 2], [False, True, False], ((1, 4),)),
)


@pytest.mark.parametrize("kind", ["FULLY_CONNECTED", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"])
def test_old_weights_of_uint8_are_int8(kind: str) -> None:
    rng = np.random.default_rng(9)
    for _ in range(4):
        graph = OPERATORS[kind].samples[HYBRID](rng, HYBRID)
        inputs = inputs_of(rng, graph)

        def age(model: Any) -> None:
            for tensor in model.subgraphs[0].tensors:
                if tensor.type == schema.TensorType.INT8:
                    tensor.type = schema.TensorType.UINT8

        new, old = make_tflite(graph), make_tflite(graph, age)
        for a, b in zip(run_litert(old, inputs), run_litert(new, inputs), strict=True):
            np.testing.assert_array_equal(a, b)
        read, wanted = (read_tflite(model, "test") for model in (old, new))
        check_support(read)
        for tensor, other in zip(read.tensors, wanted.tensors, strict=True):
            assert tensor.dtype == other.dtype
            np.testing.assert_array_equal(np.asarray(tensor.data), np.asarray(other.data))


def test_real_weights_of_uint8_stay() -> None:
    b = GraphBuilder()
    x = b.input(1, 8, dtype="float32")
    weights = b.constant(np.full((6, 8), 200), "uint8", Quant((0.5,), (0,)))
    y = b.tensor(1, 6, dtype="float32")
    b.op("FULLY_CONNECTED", (x, weights), y, fused_activation_function="NONE")
    z = b.op("DEQUANTIZE", (weights,), b.tensor(6, 8, dtype="float32"))
    read = read_tflite(make_tflite(b.graph(y, z)), "test")
    assert read.tensors[weights].dtype == "uint8"
