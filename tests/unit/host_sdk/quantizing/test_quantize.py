"""A model of floats by several schemes; what is picked of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from host_sdk.cli import main
from host_sdk.converting.write_tflite import TfliteWriter
from host_sdk.errors import InputError, ModelFileError, ShapeError
from host_sdk.quantizing.float_model import FloatModel
from host_sdk.quantizing.power_of_two import PowerOfTwo, quantize_power_of_two
from host_sdk.quantizing.quantize import Limits, Quantized, pick, quantize_model
from host_sdk.quantizing.schemes import SCHEMES
from host_sdk.quantizing.score import outputs_of, samples_of
from host_sdk.quantizing.uint8_io import with_uint8_io
from relocatable.read_tflite import read_tflite

pytestmark = pytest.mark.heavy

RNG = np.random.default_rng(3)
X = RNG.standard_normal((24, 6, 6, 2)).astype(np.float32)


def network() -> bytes:
    """Return a network: a convolution, a maximum, a layer, the classes' shares."""
    weights = RNG.standard_normal((4, 3, 3, 2)).astype(np.float32) * 0.4
    matrix = RNG.standard_normal((3, 16)).astype(np.float32) * 0.3
    w = TfliteWriter()
    none, relu = (w.enum("ActivationFunctionType", name) for name in ("NONE", "RELU"))
    valid, two = w.enum("Padding", "VALID"), {"strideH": 2, "strideW": 2}
    x, conv, pool = (
        w.tensor(name, shape)
        for name, shape in (("x", (1, 6, 6, 2)), ("conv", (1, 4, 4, 4)), ("pool", (1, 2, 2, 4)))
    )
    flat, scores, shares = (w.tensor(n, (1, k)) for n, k in (("f", 16), ("s", 3), ("shares", 3)))
    filters = [w.constant("w", weights)]
    filters.append(w.constant("b", np.array([0.5, -3, 0.01, 0], np.float32)))
    options = {"padding": valid, "strideH": 1, "strideW": 1, "fusedActivationFunction": relu}
    w.operator("CONV_2D", [x, *filters], [conv], "Conv2DOptions", **options)
    sizes = {"filterHeight": 2, "filterWidth": 2, "padding": valid, **two}
    w.operator("MAX_POOL_2D", [conv], [pool], "Pool2DOptions", **sizes)
    shape = w.constant("shape", np.array([1, 16], np.int32))
    w.operator("RESHAPE", [pool, shape], [flat], "ReshapeOptions", newShape=[1, 16])
    layer = [w.constant("m", matrix), w.constant("c", np.zeros(3, np.float32))]
    after = {"fusedActivationFunction": none}
    w.operator("FULLY_CONNECTED", [flat, *layer], [scores], "FullyConnectedOptions", **after)
    w.operator("SOFTMAX", [scores], [shares], "SoftmaxOptions", beta=1.0)
    return w.finish({"x": x}, {"shares": shares}, "small")


MODEL = network()
Y = outputs_of(MODEL, X).reshape(len(X), 3).argmax(1).astype(np.int64)


def power_of_two(tflite: bytes = MODEL, x: np.ndarray = X, y: np.ndarray | None = Y) -> PowerOfTwo:
    model = FloatModel(tflite)
    return quantize_power_of_two(model, samples_of(model, x, y, 64))


# ---- Qm.n ----------------------------------------------------------------------------------------


def test_scales_are_powers_of_two_and_the_search_betters_them() -> None:
    done = power_of_two()
    graph = read_tflite(done.tflite, "q")
    for tensor in graph.tensors:
        if tensor.quant is not None:
            assert np.log2(tensor.quant.scale[0]) % 1 == 0
            assert tensor.quant.zero_point[0] == (-128 if tensor.name == "shares" else 0)
    assert not done.before > done.after
    assert done.after.error < 0.02
    assert [f.what for f in done.formats] == [*["weights", "bias"] * 2, *["values"] * 3]


def test_a_bias_keeps_eight_bits() -> None:
    done = power_of_two()
    bias = next(f for f in done.formats if f.name == "b")
    tensor = next(t for t in read_tflite(done.tflite, "q").tensors if t.name == "b")
    assert tensor.data is not None
    assert tensor.quant is not None
    steps = tensor.data.astype(np.float64) * tensor.quant.scale[0] * 2.0**bias.n
    assert np.array_equal(steps, np.round(steps))
    assert np.abs(steps).max() <= 128
    assert str(bias) == f"Q{7 - bias.n}.{bias.n}"


def test_an_operator_without_a_word_is_refused() -> None:
    w = TfliteWriter()
    x, y = w.tensor("x", (1, 4)), w.tensor("y", (1, 4))
    w.operator("EXP", [x], [y])
    model = w.finish({"x": x}, {"y": y}, "exp")
    with pytest.raises(ModelFileError, match=r"Qm\.n takes no EXP \(operator 0\)"):
        power_of_two(model, np.zeros((2, 4), np.float32), None)


# ---- The schemes ---------------------------------------------------------------------------------


@pytest.mark.few(5)
@pytest.mark.parametrize("scheme", list(SCHEMES)[1:])
def test_a_scheme_gives_a_model(scheme: str) -> None:
    pytest.importorskip("ai_edge_quantizer")
    floats, row = quantize_model(MODEL, X, Y, calibrate=8, schemes=["float32", scheme])
    assert (floats.refused, floats.accuracy, floats.error) == ("", 1.0, 0.0)
    assert (row.refused, row.scheme) == ("", scheme)
    assert row.error < 0.1
    assert (row.flash_bytes > 0, row.arena_bytes > 0, row.macs) == (True, True, floats.macs)
    graph = read_tflite(row.tflite, row.scheme)
    types = {graph.tensors[i].dtype for i in (*graph.inputs, *graph.outputs)}
    assert types == {_outside(row.scheme)}


def _outside(scheme: str) -> str:
    known = {"int8-uint8-io": "uint8", "16x8": "int16", "int8-float-io": "float32"}
    return known.get(scheme, "int8" if scheme.startswith(("int", "qmn")) else "float32")


def test_a_metric_of_the_user() -> None:
    rows = quantize_model(MODEL, X, schemes=["float32"], metric=lambda out, y: float(out.shape[0]))
    assert rows[0].accuracy == 24.0


def test_models_as_they_are_are_beside_it() -> None:
    ready = {"clipped": power_of_two().tflite, "same": MODEL}
    floats, clipped, same = quantize_model(MODEL, X, Y, schemes=["float32"], also=ready)
    assert (clipped.scheme, clipped.title) == ("clipped", "as it is")
    assert clipped.tflite == ready["clipped"]
    assert 0 < clipped.error < 0.02
    assert clipped.flash_bytes < floats.flash_bytes
    assert (same.error, same.accuracy, same.flash_bytes) == (0.0, 1.0, floats.flash_bytes)
    with pytest.raises(InputError, match="must not be named as a scheme; is 'int8'"):
        quantize_model(MODEL, X, also={"int8": MODEL})
    with pytest.raises(
        ShapeError, match=r"output of 'two' must be \(1, 3\), as of floats; is \(1, 2\)"
    ):
        quantize_model(MODEL, X, schemes=[], also={"two": layer_of_two()})


def layer_of_two() -> bytes:
    w = TfliteWriter()
    x, flat, y = w.tensor("x", (1, 6, 6, 2)), w.tensor("f", (1, 72)), w.tensor("y", (1, 2))
    w.operator("RESHAPE", [x, w.constant("s", np.array([1, 72], np.int32))], [flat])
    layer = [
        w.constant("m", np.ones((2, 72), np.float32)),
        w.constant("c", np.zeros(2, np.float32)),
    ]
    w.operator("FULLY_CONNECTED", [flat, *layer], [y], "FullyConnectedOptions")
    return w.finish({"x": x}, {"y": y}, "two")


def test_blobs_are_compiled_for_what_is_asked() -> None:
    by = {
        how: quantize_model(MODEL, X, schemes=["qmn"], optimize=how)[0] for how in ("speed", "size")
    }
    assert by["speed"].tflite == by["size"].tflite
    assert by["size"].flash_bytes < by["speed"].flash_bytes


def test_uint8_outside_is_the_same_within() -> None:
    inner = power_of_two().tflite
    assert np.array_equal(outputs_of(with_uint8_io(inner), X), outputs_of(inner, X))
    with pytest.raises(ModelFileError, match="must be int8"):
        with_uint8_io(MODEL)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"schemes are float32, .*; not 'int7'"):
        quantize_model(MODEL, X, schemes=["int7"])
    with pytest.raises(InputError, match="needs a model of one input and a sample"):
        quantize_model(MODEL, X[:0])
    with pytest.raises(InputError, match="must have shape"):
        quantize_model(MODEL, X[:, :5])
    with pytest.raises(ModelFileError, match="must have inputs of float32"):
        quantize_model(power_of_two().tflite, X)


# ---- What is picked ------------------------------------------------------------------------------

ROWS = [
    Quantized("float32", "", b"f", 0.99, 0.0, 60000, 8000),
    Quantized("int8", "", b"i", 0.985, 0.01, 21000, 3000),
    Quantized("qmn", "", b"q", 0.985, 0.02, 20000, 3000),
    Quantized("int4", "", b"4", 0.95, 0.1, 15000, 3000),
    Quantized("16x8", "", refused="no"),
]


@pytest.mark.parametrize(
    ("limits", "scheme"),
    [
        (Limits(), "float32"),
        (Limits(flash_bytes=32768), "qmn"),
        (Limits(flash_bytes=16000), "int4"),
        (Limits(arena_bytes=3000, drop=0.005), "qmn"),
    ],
)
def test_the_most_accurate_within_limits(limits: Limits, scheme: str) -> None:
    assert pick(ROWS, limits).scheme == scheme


def test_without_classes_the_least_error_is_the_best() -> None:
    rows = [Quantized("a", "", b"a", None, 0.2, 1), Quantized("b", "", b"b", None, 0.1, 9)]
    assert pick(rows, Limits()).scheme == "b"


def test_nothing_within_limits_says_what_is_nearest() -> None:
    with pytest.raises(InputError, match=r"nearest is int4: accuracy 95.00%, 4.00% less"):
        pick(ROWS, Limits(flash_bytes=16000, drop=0.01))


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(MODEL)
    np.savez(tmp_path / "d.npz", x=X, y=Y)
    common = ["quantize", str(tmp_path / "m.tflite"), "--data", str(tmp_path / "d.npz")]
    common += ["--scheme", "float32", "--scheme", "qmn", "--json"]
    out = str(tmp_path / "out.tflite")
    done = CliRunner().invoke(main, [*common, "--pick", "--max-drop", "100%", "-o", out])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert [(row["scheme"], row["refused"]) for row in rows] == [("float32", None), ("qmn", None)]
    assert Path(out).read_bytes()[4:8] == b"TFL3"
    also = ["--also", out]
    shown = CliRunner().invoke(main, [*common[:-1], *also, "--optimize", "size"])
    assert shown.exit_code == 0, shown.output
    assert re.findall(r"^(?:float32|qmn|out)\b", shown.output, re.M) == ["float32", "qmn", "out"]
    assert "instructions" not in shown.output
    twice = CliRunner().invoke(main, [*common, *also, *also])
    assert "files of --also must have different names" in twice.output
    wrong = CliRunner().invoke(main, [*common, "--max-flash", "64k"])
    assert (wrong.exit_code, "are for --pick" in wrong.output) == (2, True)
