"""Weights in other forms than the activations': as LiteRT computes with them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relocatable.graph.graph import Graph, Quant, Tensor
from relocatable.ops import OPERATORS
from relocatable.ops._shared.layer import HYBRID
from relocatable.ops.select_kernels import select_kernels
from relocatable.passes.fold_constants import fold_constants
from relocatable.read_tflite import read_tflite
from relocatable.steps.half_weights import with_half_weights
from relocatable.support import check_support
from relocatable.targets import TARGETS
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite, schema
from tests.numeric.harness import (
    Array,
    build,
    check,
    flat_plan,
    inputs_of,
    join,
    load,
    mismatch,
    reference,
    sample,
)
from tests.numeric.on_target import run_steps_on_target
from tests.stored_weights import make_sparse, pack

LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
PLAIN = Quant((1.0,), (0,))
EXACT = (*LAYERS, "BATCH_MATMUL", "EMBEDDING_LOOKUP")


def hybrid_graphs(kind: str, count: int, seed: int) -> list[Graph]:
    rng = np.random.default_rng(seed)
    return [sample(rng, kind, HYBRID) for _ in range(count)]


@pytest.mark.parametrize("kind", EXACT)
def test_layers_of_float32_by_int8_have_every_bit(kind: str) -> None:
    graphs = hybrid_graphs(kind, 12, 91)
    rng = np.random.default_rng(92)
    for graph, program in zip(graphs, build(graphs), strict=True):
        [values] = inputs_of(rng, graph)
        model, output = make_tflite(graph), graph.ops[0].outputs[0]
        for factor in (1.0, 0.0, 1e-30, 1e30):
            x = values * values.dtype.type(factor) if values.dtype == np.float32 else values
            want = reference(model, [x])[output]
            assert np.array_equal(program.run([x])[output], want), factor


def quantized_identity(count: int, asymmetric: bool) -> Graph:
    """Make a layer whose outputs are its quantised inputs."""
    b = GraphBuilder()
    x, y = b.input(1, count, dtype="float32"), b.tensor(1, count, dtype="float32")
    w = b.constant(np.eye(count), "int8", PLAIN)
    return b.graph(
        b.op(
            *("FULLY_CONNECTED", (x, w), y),
            fused_activation_function="NONE",
            weights_format="DEFAULT",
            keep_num_dims=False,
            asymmetric_quantize_inputs=asymmetric,
        )
    )


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("below", [False, True])
def test_halves_go_away_from_zero(asymmetric: bool, below: bool) -> None:
    # A scale of 1: the ends are 127 and -127, or 155 and -100. In eights, as LiteRT's loop has it.
    ends = [155.0, -100.0] if asymmetric else [127.0, -127.0]
    halves: Array = np.arange(-90.5, 90.5).astype(np.float32)
    values = np.nextafter(halves, np.float32(0)) if below else halves
    padding = np.zeros(-(len(values) + 2) % 8)
    x = np.concatenate([values, ends, padding]).astype(np.float32).reshape(1, -1)
    graph = quantized_identity(x.size, asymmetric)
    [program] = build([graph])
    output = graph.ops[0].outputs[0]
    got, want = program.run([x])[output], reference(make_tflite(graph), [x])[output]
    assert np.array_equal(got, want)
    if not below:
        away = np.trunc(halves) + np.sign(halves)
        assert np.array_equal(got[0, : len(halves)], away)


@pytest.mark.parametrize("kind", LAYERS[:3])
def test_infinite_values_do_no_harm(kind: str) -> None:
    for graph, program in zip(graphs := hybrid_graphs(kind, 4, 93), build(graphs), strict=True):
        x = inputs_of(np.random.default_rng(94), graph)[0]
        for value in (np.inf, -np.inf, np.nan):
            x.reshape(-1)[0] = value
            program.run([x])


def unpacked_range(tensor: Tensor, bits: int) -> Tensor:
    """Take a filter's values down to what fits into so many bits."""
    assert tensor.data is not None
    return replace(tensor, data=np.asarray(tensor.data, np.int8) >> np.int8(8 - bits))


def packed(kind: str, form: str, bits: int, seed: int) -> tuple[list[Graph], list[bytes]]:
    rng = np.random.default_rng(seed)
    graphs, models = [], []
    for graph in (sample(rng, kind, form) for _ in range(12)):
        at = graph.ops[0].inputs[1]
        tensors = list(graph.tensors)
        tensors[at] = unpacked_range(tensors[at], bits)
        graphs.append(replace(graph, tensors=tuple(tensors)))
        models.append(make_tflite(graphs[-1], partial(pack, index=at, bits=bits)))
    return graphs, models


@pytest.mark.parametrize(
    ("kind", "form"),
    [(kind, "int8") for kind in LAYERS[:3]] + [(kind, HYBRID) for kind in ("CONV_2D", LAYERS[2])],
)
def test_weights_of_4_bits(kind: str, form: str) -> None:
    graphs, models = packed(kind, form, 4, 95)
    read = [read_tflite(model, "test") for model in models]
    for graph, one in zip(graphs, read, strict=True):
        at = graph.ops[0].inputs[1]
        assert np.array_equal(np.asarray(one.tensors[at].data), np.asarray(graph.tensors[at].data))
        check_support(one)
    check(read, models=models)


def sparse_layer(dtype: str, values: Array) -> tuple[Graph, int]:
    """Make a FULLY_CONNECTED of weights that are sparse and perhaps stored smaller."""
    b = GraphBuilder()
    x = b.input(2, values.shape[1], dtype="float32")
    stored = b.constant(values, dtype, PLAIN if dtype == "int8" else None)
    quant = PLAIN if dtype == "int8" else None
    kept = "int8" if dtype == "int8" else "float32"
    w = b.op("DENSIFY", (stored,), b.tensor(*values.shape, dtype=kept, quant=quant))
    if dtype != "float32":
        w = b.op("DEQUANTIZE", (w,), b.tensor(*values.shape, dtype="float32"))
    y = b.tensor(2, values.shape[0], dtype="float32")
    b.op("FULLY_CONNECTED", (x, w), y, fused_activation_function="NONE")
    return b.graph(y), stored


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
@pytest.mark.parametrize(
    ("order", "compressed", "blocks"),
    [
        ([0, 1], [False, True], ()),
        ([1, 0], [False, True], ()),
        ([0, 1, 2], [False, True, False], ((1, 4),)),
        ([0, 1, 2, 3], [False, True, False, False], ((0, 2), (1, 4))),
    ],
)
def test_sparse_weights(
    dtype: str, order: list[int], compressed: list[bool], blocks: tuple[tuple[int, int], ...]
) -> None:
    rng = np.random.default_rng(96)
    values = np.where(rng.random((6, 16)) < 0.3, rng.integers(1, 9, (6, 16)), 0)
    graph, stored = sparse_layer(dtype, values)

    def edit(model: Any) -> None:
        make_sparse(model, stored, order, compressed, blocks)
        model.operatorCodes[0].version = 1
        made = graph.ops[0].outputs[0]
        if dtype == "float16":
            model.subgraphs[0].tensors[made].type = schema.TensorType.FLOAT16

    model = make_tflite(graph, edit)
    read = read_tflite(model, "test")
    check_support(read)
    check([fold_constants(read)], models=[model])


def test_every_layer_of_float32_by_int8_is_swept() -> None:
    found = {kind for kind, operator in OPERATORS.items() if HYBRID in operator.samples}
    assert found == {*EXACT, "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"}


def half_graphs(kind: str, count: int) -> list[Graph]:
    """Make layers of floats whose weights, constants, float16 can hold."""
    rng = np.random.default_rng(97)
    graphs: list[Graph] = []
    while len(graphs) < count:
        graph = sample(rng, kind, "float32")
        tensors, at = list(graph.tensors), graph.ops[0].inputs[1]
        if tensors[at].data is None:
            continue
        halves = np.asarray(tensors[at].data).astype(np.float16)
        halves.reshape(-1)[:3] = (6e-8, 65504, -3e-5)[: halves.size]  # among them subnormal ones
        tensors[at] = replace(tensors[at], data=halves.astype(np.float32))
        graphs.append(replace(graph, tensors=tuple(tensors)))
    return graphs


@pytest.mark.parametrize("kind", LAYERS[:3])
def test_half_weights_give_the_same_bits(kind: str) -> None:
    rng = np.random.default_rng(98)
    for graph in half_graphs(kind, 6):
        inputs = inputs_of(rng, graph)
        calls = select_kernels(graph, TARGETS["host"])
        results = []
        for steps in (calls, with_half_weights(calls)):
            program = load(graph, steps, flat_plan(graph, steps), "size")
            results.append(program.run(inputs)[graph.ops[0].outputs[0]])
        assert steps[0].weights["filter"].dtype == np.float16
        assert np.array_equal(results[0], results[1])


@pytest.mark.sim
@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m4", "cortex-m55", "rv32imac"])
def test_half_weights_on_targets(target: str, tmp_path: Path) -> None:
    rng, graphs = np.random.default_rng(99), [g for k in LAYERS[:3] for g in half_graphs(k, 4)]
    inputs = [inputs_of(rng, graph) for graph in graphs]
    graph, bases = join(graphs)
    calls = with_half_weights(select_kernels(graph, TARGETS[target]))
    assert {call.weights["filter"].dtype for call in calls} == {np.dtype(np.float16)}
    plan = flat_plan(graph, calls)
    flat = [x for xs in inputs for x in xs]
    arena = run_steps_on_target(graph, calls, plan, flat, target, tmp_path, "size")
    for one, base, xs in zip(graphs, bases, inputs, strict=True):
        y = one.ops[0].outputs[0]
        at, tensor = plan.offsets[base + y], one.tensors[y]
        got = arena[at : at + tensor.size_bytes].view(np.float32).reshape(tensor.shape)
        assert mismatch(got, reference(make_tflite(one), xs)[y]) == ""
