"""Validation and traces on the core, with a model that gives its input + 1."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from host_sdk import DtypeError, InputError, Model, ModelFileError, Report, ShapeError
from host_sdk.inference.model import Normalisation
from host_sdk.inference.tensor import Array, TensorInfo
from host_sdk.validation import trace as tracing
from host_sdk.validation import validate as validating
from host_sdk.validation.litert import ReferenceTensor
from host_sdk.validation.results import ImageRow
from host_sdk.validation.samples import Samples, read_labels
from tests.unit.host_sdk.blobs import ADDS, adder_metadata, make_blob
from tests.unit.host_sdk.conftest import Connect, tell_steady_times

RNG = np.random.default_rng(0)
X = RNG.integers(-100, 100, (20, 8), dtype=np.int8)
Y = (X + 1).argmax(1)
Y[::4] = (Y[::4] + 1) % 8  # a quarter is wrong


class Reference:
    """A reference that gives input + 1, but for one value of every tenth sample."""

    def __init__(self) -> None:
        self.runs = 0

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        out = inputs[0] + np.int8(1)
        if self.runs % 10 == 0:
            out[0, 3] += 2
        self.runs += 1
        return [out]

    def tensors(self, inputs: Sequence[Array]) -> list[ReferenceTensor]:
        out = inputs[0] + np.int8(1)
        return [ReferenceTensor("other", out), *[ReferenceTensor("y", out)] * 2]


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> Reference:
    made = Reference()
    for module in (validating, tracing):
        monkeypatch.setattr(module, "open_reference", lambda *_, **__: (made, ""))
    return made


@pytest.fixture
def report(connect: Connect, reference: Reference) -> Report:
    board, device = connect()
    tell_steady_times(board)
    device.load_model(make_blob())
    return device.validate(X, Y)


def test_report(report: Report) -> None:
    c, d = report.classification, report.differences[0]
    assert c is not None
    assert (report.samples, c.correct, report.accuracy) == (20, 15, 0.75)
    assert np.sum(c.confusion) == 20
    assert np.trace(c.confusion) == 15
    assert (report.reference, report.exact_samples) == ("litert", 18)
    assert (d.values, d.max_abs, d.max_steps) == (160, 1.0, 2)
    assert d.mean_abs == pytest.approx(2 / 160)
    assert d.exact == 158 / 160
    assert [r.exact for r in report.rows[:11]] == [False, *[True] * 9, False]
    assert report.inputs_sha256 == sha256(X.tobytes()).hexdigest()
    assert report.outputs_sha256 == sha256((X + np.int8(1)).tobytes()).hexdigest()
    assert (c.label_error, report.rows[0].label_error) == (None, None)  # these scores are no shares
    assert report.timing.run.mean == report.timing.run.max == 1500
    # The board's clock passes 2**32 on the way.
    assert [r.began_us for r in report.rows[:3]] == [0, 2000, 4000]
    assert [r.us for r in report.layers.rows] == [1000, 500]


def test_report_as_html(report: Report) -> None:
    page = report.to_html()
    for text in ("75.00%", "15 of 20", "18 of 20", "adds", "1.5 ms", "98.750%", "1,000 µs, 66.7%"):
        assert text in page, text
    assert page.count("<svg") == page.count("</svg>") == 4
    assert shaded_cells(page) == sum(n > 0 for row in report.classification.confusion for n in row)  # type: ignore[union-attr]
    assert not re.search(r"(src|href)=.(?!data:)", page)  # nothing is fetched


def shaded_cells(page: str) -> int:
    return len(re.findall(r"<title>\d as \d: [1-9]", page))


def test_names_in_html_are_text(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob(metadata=adder_metadata(8, labels=["<u>", "&"])), "<script>")
    page = device.validate(X, Y, "none").to_html()
    assert "<script" not in page
    assert "<u>" not in page
    assert "&lt;u&gt;" in page


def test_report_as_json_csv_and_text(report: Report, tmp_path: Path) -> None:
    for name in ("r.json", "r.csv", "sub/r.html"):
        report.save(tmp_path / name)
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["classification"]["accuracy"] == 0.75
    assert told["differences"][0]["max_steps"] == 2
    assert len(told["rows"]) == 20
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text())))
    assert [int(r["label"]) for r in rows] == Y.tolist()
    assert float(rows[0]["run_us"]) == 1500
    assert "75.00% (15 of 20)" in repr(report)
    assert "75.00% (15 of 20)" in report._repr_html_()
    with pytest.raises(InputError, match=r"must be \.html, \.json or \.csv"):
        report.save(tmp_path / "r.txt")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(InputError, match="Is a directory"):
        report.save(tmp_path / "d.csv")


def test_without_labels_and_reference(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob())
    seen: list[tuple[int, int]] = []
    report = device.validate(X, limit=3, progress=lambda *n: seen.append(n))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert (report.samples, report.accuracy, report.exact_samples) == (3, None, None)
    assert report.reference == "no .tflite is known of this model"
    assert "absent: no .tflite is known" in repr(report)
    assert "Absent: no .tflite is known" in report.to_html()
    assert device.validate(X, reference="none").reference == "not asked for"


def test_wrong_arguments(connect: Connect) -> None:
    board, device = connect()
    device.load_model(make_blob())
    with pytest.raises(InputError, match="reference must be 'litert' or 'none'; is 'torch'"):
        device.validate(X, reference="torch")
    with pytest.raises(ModelFileError, match=r"must be a \.tflite; the given data"):
        device.validate(X, tflite=b"no model at all")
    with pytest.raises(ShapeError, match="labels must be"):
        device.validate(X, Y[:3])
    with pytest.raises(DtypeError, match="labels must be integers"):
        device.validate(X, np.zeros(20))
    with pytest.raises(InputError, match="below 8"):
        device.validate(X, Y + 8, "none")
    with pytest.raises(InputError, match="at least 1 sample"):
        device.validate(X[:0])
    with pytest.raises(ShapeError):
        device.validate(X[:, :7])
    # What is wrong shows before it runs, or by the first result, when others are under way.
    assert [m for _, m in board.executed].count("run") <= device.info().window


def test_pictures_of_mistakes_are_kept(connect: Connect) -> None:
    metadata = adder_metadata(8)
    metadata["inputs"][0]["shape"] = [1, 2, 4, 1]
    _, device = connect()
    device.load_model(make_blob(metadata=metadata))
    pixels = RNG.integers(0, 255, (20, 2, 4, 1), dtype=np.uint8)
    right = pixels.reshape(20, 8).argmax(1)
    report = device.validate(pixels, np.where(np.arange(20) < 3, (right + 1) % 8, right))
    assert report.classification is not None
    assert report.classification.correct == 17
    assert [m.row.index for m in report.mistakes] == [0, 1, 2]
    np.testing.assert_array_equal(report.mistakes[1].pixels, pixels[1, :, :, 0])
    assert report.to_html().count("data:image/png") == 3


# ---- Samples -------------------------------------------------------------------------------------


def model(dtype: str, *inputs: tuple[int, ...], image: Normalisation | None = None) -> Model:
    tensors = tuple(TensorInfo("x", s, dtype, *scale_of(dtype)) for s in inputs)
    return Model("m", 1, b"", 0, 0, (0,), tensors, (), (), (), image)


def scale_of(dtype: str) -> tuple[float | None, int | None]:
    return (None, None) if dtype == "float32" else (0.5, -1)


PIXELS = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)


def test_pixels_become_what_the_input_takes() -> None:
    def first(dtype: str, image: Normalisation | None = None) -> Array:
        return Samples(PIXELS, model(dtype, (1, 16, 16, 1), image=image))[0][0].reshape(-1)

    steps = np.arange(256)
    np.testing.assert_array_equal(first("uint8"), steps)
    np.testing.assert_array_equal(first("int8"), steps - 128)
    np.testing.assert_allclose(first("float32"), steps / 255, atol=1e-7)
    half = Normalisation((100.0,), (2.0,))
    np.testing.assert_array_equal(first("float32", half), (steps - 100) / 2)
    np.testing.assert_array_equal(first("int8", half), np.clip(steps - 101, -128, 127))
    np.testing.assert_array_equal(first("uint8", half), steps)  # its own dtype: as it is


def test_real_values_are_quantised() -> None:
    x = np.array([[0.0, 0.5, -64.0, 100.0]])
    np.testing.assert_array_equal(Samples(x, model("int8", (1, 4)))[0][0], [[-1, 0, -128, 127]])
    with pytest.raises(DtypeError, match="pixels as uint8; is int64"):
        Samples(x.astype(int), model("int8", (1, 4)))


def test_several_inputs() -> None:
    two = model("float32", (1, 4), (1, 2))
    a, b = np.ones((3, 4), np.float32), np.zeros((3, 2))
    assert [v.shape for v in Samples((a, b), two)[2]] == [(1, 4), (1, 2)]
    with pytest.raises(ShapeError, match=r"must get 2 inputs .*; got 1"):
        Samples(a, two)
    with pytest.raises(ShapeError, match="same number of samples; have 'x' 3, 'x' 2"):
        Samples((a, b[:2]), two)
    samples = Samples((a, b), two, limit=2)
    assert len(list(samples)) == len(samples) == 2
    with pytest.raises(IndexError):
        samples[2]


def test_labels() -> None:
    np.testing.assert_array_equal(read_labels([[1], [0], [2]], 2), [1, 0])
    with pytest.raises(InputError, match="one is -1"):
        read_labels([1, -1], 2)


def test_time_under_way_counts_overlaps_once() -> None:
    def row(sent: float, done: float) -> ImageRow:
        return ImageRow(
            *(0, None, None, None, None, None, None, None, 10.0, done - sent, sent, done, None)
        )

    timing = validating.timing_of([row(0, 100), row(50, 150), row(200, 250), row(210, 220)])
    assert timing.busy_s == 200e-6
    assert timing.per_second == pytest.approx(4 / 200e-6)
    assert timing.transfer_share == pytest.approx(1 - 40 / 200)


# ---- Traces --------------------------------------------------------------------------------------


def test_trace(connect: Connect, reference: Reference) -> None:
    board, device = connect()
    tell_steady_times(board)
    device.load_model(make_blob())
    x = X[0]
    trace = device.trace(x)
    assert [(r.step, r.op, r.name, r.us) for r in trace.rows] == [
        (0, "ADD", "y", 1000),
        (1, "ADD", "y", 500),
    ]
    np.testing.assert_array_equal(trace.rows[1].values, [x + 1])
    assert trace.first_difference is None
    assert "all 2 tensors are as in LiteRT's reference" in repr(trace)
    zeros = "for (int i = 0; i < SIZE; i++) { c->arena[AT + i] = 0; }"
    device.load_model(make_blob(bodies=(ADDS, zeros), golden=None))
    trace = device.trace(x)
    assert trace.first_difference is trace.rows[1]
    assert trace.to_json()["first_difference"] == "y"
    assert "first differing layer: step 1 ADD 'y'" in repr(trace)
    assert [m for _, m in board.executed].count("run_steps") == 4


def test_trace_without_reference(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob(n=9000))
    trace = device.trace()  # random input; tensors larger than a frame
    values, again = trace.rows[1].values, device.trace().rows[1].values
    assert values is not None
    assert again is not None
    assert values.shape == (1, 9000)
    assert len(np.unique(values)) == 256
    np.testing.assert_array_equal(values, again)
    assert trace.first_difference is None
    assert "not compared with LiteRT's reference: no .tflite is known" in repr(trace)
    with pytest.raises(ShapeError):
        device.trace(np.zeros(7))


def test_tensors_without_counterpart(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    _, device = connect()
    device.load_model(make_blob())
    stranger = Reference()
    monkeypatch.setattr(stranger, "tensors", lambda _: [ReferenceTensor("y", np.zeros(4))])
    monkeypatch.setattr(tracing, "open_reference", lambda *_, **__: (stranger, ""))
    trace = device.trace(X[0])
    assert trace.compared == 0
    assert "not in the .tflite" in repr(trace)
