"""Validation of whole models on this computer, against LiteRT run apart from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host_sdk import trace_on_host, validate_on_host
from relocatable import Blob, compile_model
from tests.conftest import ROOT, shared_model
from tests.make_graph import POOL, GraphBuilder
from tests.make_tflite import make_tflite
from tests.numeric.harness import Array

interpreter = pytest.importorskip("ai_edge_litert.interpreter")

DIGITS = ROOT / "examples" / "models" / "digits.tflite"


def litert_classes(model: Path, inputs: Array) -> Array:
    """Find the class of each input by LiteRT's reference kernels."""
    reference = interpreter.Interpreter(
        model_content=model.read_bytes(),
        experimental_op_resolver_type=interpreter.OpResolverType.BUILTIN_REF,
    )
    reference.allocate_tensors()
    given, made = reference.get_input_details()[0], reference.get_output_details()[0]
    classes = []
    for x in inputs:
        reference.set_tensor(given["index"], x[None])
        reference.invoke()
        classes.append(int(reference.get_tensor(made["index"]).argmax()))
    return np.array(classes)


def test_digits_held_out_of_training() -> None:
    source = pytest.importorskip("sklearn.datasets").load_digits()
    x = np.minimum(source.images[-360:] * 16, 255).astype(np.uint8)[..., None]
    y = source.target[-360:]
    report = validate_on_host(DIGITS, x, y)
    assert report.exact_samples == 360
    assert report.differences[0].exact == 1.0
    expected = litert_classes(DIGITS, x)
    assert [row.predicted for row in report.rows] == expected.tolist()
    assert report.accuracy == np.mean(expected == y) > 0.95
    top = [report.classification.top[k] for k in (1, 3, 5)] if report.classification else []
    assert top == sorted(top)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist_small_int8", "mnist_small_f32"])
def test_all_pictures_of_mnist(name: str) -> None:
    model, data = shared_model(f"{name}.tflite"), np.load(shared_model("mnist_test.npz"))
    report = validate_on_host(model, data["x"], data["y"])
    inputs = data["x"].astype(np.int16) - 128 if "int8" in name else data["x"] / np.float32(255)
    expected = litert_classes(model, inputs.astype(np.int8 if "int8" in name else np.float32))
    assert report.accuracy == np.mean(expected == data["y"])
    assert report.samples == len(data["x"])
    assert report.classification is not None
    assert report.classification.reference_accuracy == report.accuracy
    assert report.exact_samples == report.samples or "f32" in name
    assert report.differences[0].max_abs <= 1e-6


def test_the_first_wrong_layer_is_named() -> None:
    right = Blob.unpack(compile_model(DIGITS, target="host", whole_tensors=True))
    trace = trace_on_host(right.pack(), tflite=DIGITS)
    assert trace.first_difference is None
    assert trace.compared == len(trace.rows) > 4
    named = set()
    for part in range(8):
        variant = right.variants[0]
        weights = bytearray(variant.weights)
        at = len(weights) * part // 8
        weights[at : at + 64] = bytes(b ^ 0x55 for b in weights[at : at + 64])
        damaged = replace(variant, weights=bytes(weights))
        wrong = replace(right, variants=(damaged,), golden=None).pack()
        trace = trace_on_host(wrong, tflite=DIGITS)
        first = trace.first_difference
        if first is None:  # weights of a channel that is 0 for this input
            continue
        assert f"step {first.step} {first.op}" in trace.verdict
        assert not any(row.differs for row in trace.rows if row.step < first.step)
        named.add(first.op)
    assert named >= {"CONV_2D", "FULLY_CONNECTED"}


def test_several_inputs_and_outputs() -> None:
    b = GraphBuilder()
    bytes_, floats = b.input(1, 4, 4, 2), b.input(1, 6, dtype="float32")
    pooled = b.op("MAX_POOL_2D", [bytes_], b.tensor(1, 2, 2, 2), **POOL)
    halved = b.constant(np.full((1, 6), 0.5), "float32")
    scaled = b.op(
        "MUL",
        [floats, halved],
        b.tensor(1, 6, dtype="float32"),
        fused_activation_function="NONE",
    )
    model = make_tflite(b.graph(pooled, scaled))
    rng = np.random.default_rng(3)
    x = (rng.integers(-128, 127, (9, 4, 4, 2), np.int8), rng.normal(size=(9, 6)))
    report = validate_on_host(model, x)
    assert [(d.dtype, d.values, d.exact) for d in report.differences] == [
        ("int8", 72, 1.0),
        ("float32", 54, 1.0),
    ]
    trace = trace_on_host(model, x[0][0], x[1][0])
    assert [row.op for row in trace.rows] == ["MAX_POOL_2D", "MUL"]
    assert trace.rows[1].values is not None
    np.testing.assert_allclose(trace.rows[1].values, x[1][:1] / 2, rtol=1e-6)
    assert trace.first_difference is None


def test_the_reference_of_a_blob_is_absent() -> None:
    trace = trace_on_host(compile_model(DIGITS, target="host"))
    assert trace.reference == "no .tflite is known of this model"
    assert trace.compared == 0


def test_streamed_tensors_say_so() -> None:
    """Compile for serving, which keeps none whole, and for looking at, which does."""
    model = shared_model("mnist_small_int8.tflite")
    streamed = trace_on_host(compile_model(model, target="host"), tflite=model)
    whole = trace_on_host(model)
    assert [(row.op, row.name, row.tensor) for row in streamed.rows] == [
        (row.op, row.name, row.tensor) for row in whole.rows
    ]
    assert whole.streamed == 0
    assert streamed.streamed > 0
    assert streamed.compared == len(streamed.rows) - streamed.streamed
    assert f"{streamed.streamed} more are streamed" in streamed.verdict
    assert "streamed: at no time whole in memory" in repr(streamed)
    assert [row["streamed"] for row in streamed.to_json()["rows"]].count(True) == streamed.streamed
    assert whole.first_difference is streamed.first_difference is None
