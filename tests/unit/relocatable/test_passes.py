"""Passes keep what is left of the graph bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from relocatable.blob.host import HostModel
from relocatable.compile import compile_model, lower
from relocatable.graph.edit import int_attr
from relocatable.graph.graph import Graph, GraphError, Quant, verify_graph
from relocatable.ops.select_kernels import select_kernels
from relocatable.passes import PASSES
from relocatable.passes.drop_reshapes import drop_reshapes
from relocatable.passes.fold_constants import fold_constants
from relocatable.passes.fold_pad import fold_pad
from relocatable.passes.fuse_cast_quantize import fuse_cast_quantize
from relocatable.passes.remove_dead import remove_dead
from relocatable.read_tflite import read_tflite
from relocatable.schedule.check_plan import check_plan
from relocatable.schedule.plan_memory import plan_memory
from relocatable.targets import TARGETS
from tests.conftest import MODELS, ROOT, shared_model
from tests.make_graph import CONV, PLAIN, GraphBuilder
from tests.make_tflite import make_tflite, random_inputs, run_litert

INTEGER_MODELS = [name for name in MODELS if "f32" not in name]


def lowered(graph: Graph) -> Graph:
    for run_pass in PASSES:
        graph = run_pass(graph)
        verify_graph(graph)
    return graph


def test_every_pass_is_a_file_with_its_place() -> None:
    folder = ROOT / "relocatable" / "passes"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert sorted(run_pass.__name__ for run_pass in PASSES) == sorted(files)


def kinds(graph: Graph) -> list[str]:
    return [op.kind for op in graph.ops]


def same_in_litert(before: Graph, after: Graph) -> None:
    """LiteRT computes the same outputs of both."""
    for seed in range(3):
        inputs = random_inputs(before, seed)
        wanted = run_litert(make_tflite(before), inputs)
        seen = run_litert(make_tflite(after), inputs)
        for a, b in zip(wanted, seen, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", INTEGER_MODELS)
def test_all_passes_keep_the_outputs_of_real_models(name: str) -> None:
    data = shared_model(f"{name}.tflite").read_bytes()
    graph = lowered(read_tflite(data, name))
    # LiteRT wants RESHAPE to have its shape as an attribute or input: run them as they were.
    x = random_inputs(graph, 1)
    seen = run_litert(make_tflite(with_shapes(graph)), x)
    for a, b in zip(run_litert(data, x), seen, strict=True):
        np.testing.assert_array_equal(a, b)


def with_shapes(graph: Graph) -> Graph:
    """Add the shape input that LiteRT's RESHAPE wants."""
    b = GraphBuilder()
    b.tensors, b.inputs = list(graph.tensors), list(graph.inputs)
    for op in graph.ops:
        inputs: Sequence[int] = op.inputs
        if op.kind == "RESHAPE":
            inputs = (*inputs, b.constant(graph.tensors[op.outputs[0]].shape))
        b.op(op.kind, inputs, op.outputs[0], **op.attrs)
    return b.graph(*graph.outputs)


def test_dynamic_batch_chain_folds_away() -> None:
    graph = lowered(read_tflite(shared_model("mnist_small_int8.tflite").read_bytes(), "mnist"))
    assert not {"SHAPE", "STRIDED_SLICE", "PACK"} & set(kinds(graph))
    reshape = next(op for op in graph.ops if op.kind == "RESHAPE")
    assert len(reshape.inputs) == 1


# ---- fold_constants ------------------------------------------------------------------------------


def slice_of(values: list[int], begin: int, end: int, step: int = 1, **masks: int) -> np.ndarray:
    b = GraphBuilder()
    source = b.constant(values)
    bounds = [b.constant([v]) for v in (begin, end, step)]
    attrs = {"begin_mask": 0, "end_mask": 0, "shrink_axis_mask": 0} | masks
    shape = (
        ()
        if attrs["shrink_axis_mask"]
        else (len(range(*slice(begin, end, step).indices(len(values)))),)
    )
    if attrs["begin_mask"] or attrs["end_mask"]:
        shape = (len(values),)
    attrs |= {"ellipsis_mask": 0, "new_axis_mask": 0}
    y = b.op("STRIDED_SLICE", (source, *bounds), b.tensor(*shape, dtype="int32"), **attrs, offset=0)
    folded = fold_constants(b.graph(y))
    assert folded.ops == ()
    data = folded.tensors[y].data
    assert data is not None
    return data


def test_strided_slice() -> None:
    assert slice_of([5, 6, 7, 8], 1, 3).tolist() == [6, 7]
    assert slice_of([5, 6, 7, 8], 0, 4, 2).tolist() == [5, 7]
    assert slice_of([5, 6, 7, 8], -1, 0, shrink_axis_mask=1) == 8
    assert slice_of([5, 6, 7, 8], 2, 2, begin_mask=1, end_mask=1).tolist() == [5, 6, 7, 8]


def test_dequantize_of_a_constant_is_litert_s() -> None:
    rng = np.random.default_rng(3)
    b = GraphBuilder()
    x = b.input(4, 8, dtype="float32")
    stored = rng.integers(-128, 128, (4, 8))
    scales = tuple(float(s) for s in rng.random(4).astype(np.float32))
    w = b.constant(stored, "int8", Quant(scales, (0, 0, 0, 0), 0))
    real = b.op("DEQUANTIZE", (w,), b.tensor(4, 8, dtype="float32"))
    y = b.tensor(4, 8, dtype="float32")
    graph = b.graph(b.op("MUL", (x, real), y, fused_activation_function="NONE"))
    folded = fold_constants(graph)
    assert kinds(folded) == ["MUL"]
    same_in_litert(graph, folded)


def test_constants_that_do_not_fit_are_a_graph_error() -> None:
    b = GraphBuilder()
    parts = [b.constant([1]), b.constant([1, 2, 3])]
    graph = b.graph(b.op("PACK", parts, b.tensor(2, 2, dtype="int32"), axis=0))
    with pytest.raises(GraphError, match="constants must fit"):
        fold_constants(graph)
    b = GraphBuilder()
    graph = b.graph(b.op("RESHAPE", (b.constant([1, 2]),), b.tensor(3, dtype="int32")))
    with pytest.raises(GraphError, match="must have 3 values; has 2"):
        fold_constants(graph)


@pytest.mark.parametrize("kind", ["PACK", "CONCATENATION"])
def test_a_constant_joined_thousands_of_times_is_refused_before_it_is_made(kind: str) -> None:
    b = GraphBuilder()
    part = b.constant(np.zeros(1 << 20, np.int8), "int8")
    y = b.op(kind, [part] * 50_000, b.tensor(16), axis=0, fused_activation_function="NONE")
    with pytest.raises(GraphError, match=r"must have 52428800000 values; has 16"):
        fold_constants(b.graph(y))


def test_constants_computed_many_times_over_are_refused() -> None:
    b = GraphBuilder()
    part = b.constant(np.zeros(1 << 22, np.int8), "int8", PLAIN)
    for _ in range(20):
        y = b.op("DEQUANTIZE", (part,), b.tensor(1 << 22, dtype="float32"))
    with pytest.raises(GraphError, match=r"at most 16777216 bytes; have 33554432"):
        fold_constants(b.graph(y))


# ---- drop_reshapes -------------------------------------------------------------------------------


def test_chains_become_one_reshape_of_the_first_tensor() -> None:
    b = GraphBuilder()
    x = b.input(1, 4, 2)
    a = b.op("SQUEEZE", (x,), b.tensor(4, 2))
    c = b.op("EXPAND_DIMS", (a, b.constant([0])), b.tensor(1, 4, 2))
    d = b.op("RESHAPE", (c, b.constant([8])), b.tensor(8))
    graph = remove_dead(drop_reshapes(b.graph(b.op("RELU", (d,), b.tensor(8)))))
    assert [(op.kind, op.inputs) for op in graph.ops] == [("RESHAPE", (x,)), ("RELU", (d,))]


def test_what_changes_nothing_disappears() -> None:
    b = GraphBuilder()
    x = b.input(1, 4)
    a = b.op("QUANTIZE", (x,), b.tensor(1, 4))
    c = b.op("RESHAPE", (a,), b.tensor(1, 4))
    d = b.op("CAST", (c,), b.tensor(1, 4))
    graph = drop_reshapes(b.graph(b.op("RELU", (d,), b.tensor(1, 4))))
    assert [(op.kind, op.inputs) for op in graph.ops] == [("RELU", (x,))]


def test_requantizing_stays() -> None:
    b = GraphBuilder()
    x = b.input(1, 4)
    graph = b.graph(b.op("QUANTIZE", (x,), b.tensor(1, 4, quant=Quant((0.25,), (0,)))))
    assert drop_reshapes(graph) == graph


def test_an_output_keeps_its_tensor() -> None:
    b = GraphBuilder()
    x = b.input(1, 4)
    graph = drop_reshapes(b.graph(b.op("RESHAPE", (x,), b.tensor(1, 4))))
    assert kinds(graph) == ["RESHAPE"]
    verify_graph(graph)


# ---- fold_pad ------------------------------------------------------------------------------------


def padded_conv(amounts: list[list[int]], kind: str = "PAD", value: int = 3) -> Graph:
    """PAD of 1 x 5 x 6 x 2 by amounts, then a 3x3 CONV_2D; the zero point is 3."""
    b = GraphBuilder()
    quant = Quant((0.5,), (3,))
    x, p = b.input(1, 5, 6, 2, quant=quant), b.constant(amounts)
    shape = [d + sum(a) for d, a in zip((1, 5, 6, 2), amounts, strict=True)]
    inputs = (x, p) if kind == "PAD" else (x, p, b.constant(value, "int8", quant))
    padded = b.op(kind, inputs, b.tensor(*shape, quant=quant))
    weights = np.random.default_rng(2).integers(-127, 128, (4, 3, 3, shape[3]))
    w = b.constant(weights, "int8", Quant((0.02,), (0,)))
    y = b.tensor(1, shape[1] - 2, shape[2] - 2, 4)
    return b.graph(b.op("CONV_2D", (padded, w, b.constant([0] * 4)), y, **CONV))


def sums(graph: Graph, x: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Sum over the real zeros and values that the convolution's attributes ask for."""
    (conv,) = graph.ops
    source, weights = graph.tensors[conv.inputs[0]], graph.tensors[conv.inputs[1]].data
    assert source.quant is not None
    assert weights is not None
    pads = [int_attr(conv, f"pad_{side}") for side in ("top", "bottom", "left", "right")]
    values = np.pad(x[0].astype(int) - source.quant.zero_point[0], (pads[:2], pads[2:], (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(values, (3, 3), (0, 1))
    found: npt.NDArray[np.int64] = np.einsum("yxcij,oijc->yxo", windows, weights.astype(int))
    return found


@pytest.mark.parametrize("kind", ["PAD", "PADV2"])
def test_pad_of_zeros_moves_into_the_convolution(kind: str) -> None:
    graph = padded_conv([[0, 0], [2, 1], [0, 3], [0, 0]], kind)
    folded = fold_pad(graph)
    assert kinds(folded) == ["CONV_2D"]
    verify_graph(folded)
    x = random_inputs(graph, 5)[0]
    (wanted,) = run_litert(make_tflite(graph), [x])
    real = sums(folded, x) * (0.5 * 0.02 / 0.5)
    assert real.shape == wanted.shape[1:]
    # Half an output step is what the final rounding may move.
    assert np.abs(np.clip(real, -128, 127) - wanted[0]).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(
    "graph",
    [
        padded_conv([[0, 0], [1, 1], [1, 1], [0, 0]], "PADV2", value=0),
        padded_conv([[0, 0], [1, 1], [1, 1], [1, 0]]),
    ],
)
def test_other_pads_stay(graph: Graph) -> None:
    assert fold_pad(graph) == graph


def test_pad_with_two_readers_stays() -> None:
    graph = padded_conv([[0, 0], [1, 1], [1, 1], [0, 0]])
    padded = graph.ops[0].outputs[0]
    with_output = Graph("two", graph.tensors, graph.ops, graph.inputs, (*graph.outputs, padded))
    assert fold_pad(with_output) == with_output


# ---- fuse_cast_quantize --------------------------------------------------------------------------


def cast_quantize(scale: float, zero_point: int, source: str = "uint8") -> Graph:
    b = GraphBuilder()
    x = b.input(16, 16, dtype=source, quant=None)
    real = b.op("CAST", (x,), b.tensor(16, 16, dtype="float32"))
    y = b.tensor(16, 16, quant=Quant((scale,), (zero_point,)))
    return b.graph(b.op("QUANTIZE", (real,), y))


@pytest.mark.parametrize(("scale", "zero_point"), [(1.0, -128), (2.0, -128), (0.5, 0), (1.7, -60)])
def test_cast_and_quantize_become_one_where_all_values_agree(scale: float, zero_point: int) -> None:
    graph = cast_quantize(float(np.float32(scale)), zero_point)
    fused = fuse_cast_quantize(graph)
    assert kinds(fused) == ["QUANTIZE"]
    verify_graph(fused)
    x = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(
        run_litert(make_tflite(graph), [x]), run_litert(make_tflite(fused), [x])
    )


def test_never_fused_where_a_value_differs() -> None:
    """Whenever the pass fuses, LiteRT agrees; for some scales it must not fuse."""
    x = np.arange(256, dtype=np.uint8).reshape(16, 16)
    left = 0
    for scale in np.random.default_rng(4).uniform(0.3, 6.0, 60).astype(np.float32):
        graph = cast_quantize(float(scale), -128)
        fused = fuse_cast_quantize(graph)
        left += fused == graph
        np.testing.assert_array_equal(
            run_litert(make_tflite(graph), [x]), run_litert(make_tflite(fused), [x])
        )
    assert left < 60


def test_cast_of_other_types_stays() -> None:
    graph = cast_quantize(1.0, 0, source="int32")
    assert fuse_cast_quantize(graph) == graph


# ---- remove_dead ---------------------------------------------------------------------------------


def test_unread_operators_go() -> None:
    b = GraphBuilder()
    x = b.input(1, 4)
    dead = b.op("RELU", (x,), b.tensor(1, 4))
    b.op("RELU6", (dead,), b.tensor(1, 4))
    y = b.op("RELU", (x,), b.tensor(1, 4, quant=PLAIN))
    assert [op.outputs for op in remove_dead(b.graph(y)).ops] == [(y,)]


def test_a_graph_that_only_reshapes_copies() -> None:
    b = GraphBuilder()
    x = b.input(1, 8)
    graph = lower(b.graph(b.op("SQUEEZE", (b.op("RESHAPE", (x,), b.tensor(2, 4)),), b.tensor(8))))
    [call] = select_kernels(graph, TARGETS["host"])
    assert (call.kind, call.inputs, call.outputs) == ("RESHAPE", (x,), graph.outputs)
    plan = plan_memory(graph, [call])
    check_plan(graph, [call], plan)
    assert plan.offsets[x] != plan.offsets[graph.outputs[0]]


@pytest.mark.parametrize("alone", [False, True])
def test_constants_are_outputs_like_others(alone: bool) -> None:
    b = GraphBuilder()
    x = b.input(2, 3)
    three = b.constant([3, 3])
    shape = b.op("MINIMUM", (three, b.constant([2, 4])), b.tensor(2, dtype="int32"))
    table = b.constant(np.arange(5), "float32")
    outputs = [table, shape, table] + ([] if alone else [b.op("RELU", (x,), b.tensor(2, 3))])
    model = make_tflite(b.graph(*outputs))
    wanted = run_litert(model, [np.full((2, 3), -7, np.int8)])
    with HostModel(compile_model(model, target="host")) as host:
        for _ in range(2):
            host.write_inputs([np.full((2, 3), -7, np.int8)])
            host.run()
            for got, right in zip(host.outputs(), wanted, strict=True):
                np.testing.assert_array_equal(got, right)


def test_a_graph_without_operators_copies_its_inputs() -> None:
    b = GraphBuilder()
    x, y = b.input(2, 3), b.input(1, 4, dtype="float32")
    inputs = random_inputs(b.graph(y, x, y), 1)
    with HostModel(compile_model(make_tflite(b.graph(y, x, y)), target="host")) as host:
        host.write_inputs(inputs)
        host.run()
        for got, wanted in zip(host.outputs(), (inputs[1], inputs[0], inputs[1]), strict=True):
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("dtype", "quant", "zero"),
    [("int16", None, 0), ("int8", None, 0), ("int8", Quant((0.1,), (5,)), 5), ("uint8", PLAIN, 0)],
)
def test_products_with_zeros_are_known(dtype: str, quant: Quant | None, zero: int) -> None:
    b = GraphBuilder()
    out_zero = 0 if dtype == "int16" else 7
    x = b.input(2, 3, dtype=dtype)
    zeros = b.constant(np.full(3, zero), dtype, quant)
    product = b.tensor(2, 3, dtype=dtype, quant=Quant((1e-43,), (out_zero,)))
    b.op("MUL", (x, zeros), product, fused_activation_function="NONE")
    y = b.tensor(2, 3, dtype=dtype, quant=Quant((0.25,), (0,)))
    b.op("ADD", (product, x), y, fused_activation_function="RELU", pot_scale_int16=False)
    graph = b.graph(y, product)
    assert kinds(fold_constants(graph)) == ["ADD"]
    same_in_litert(graph, replace(fold_constants(graph), outputs=(y, product)))


def test_other_products_are_not_known() -> None:
    b = GraphBuilder()
    x, zeros = b.input(2, 3, dtype="float32"), b.constant(np.zeros(3), "float32")
    y = b.tensor(2, 3, dtype="float32")
    b.op("MUL", (x, zeros), y, fused_activation_function="NONE")  # infinity times 0
    z = b.input(2, 3)
    ones = b.constant([0, 0, 1], "int8", PLAIN)
    b.op("MUL", (z, ones), b.tensor(2, 3), fused_activation_function="NONE")
    assert kinds(fold_constants(b.graph(y))) == ["MUL", "MUL"]
