"""Formats are told by their contents, and what is not taken is told the way out."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from host_sdk import ModelFileError, ToolMissingError
from host_sdk.converting.convert import form_of_file
from host_sdk.converting.formats import find_formats
from host_sdk.inference.model_source import open_model
from tests.unit.host_sdk.converting.conftest import DIGITS, Recorded
from tests.unit.host_sdk.converting.graphs import field, honest, write_saved_model
from tests.unit.host_sdk.converting.keras_files import write_keras
from tests.unit.host_sdk.converting.onnx_files import graph as onnx_graph
from tests.unit.host_sdk.converting.onnx_files import model as onnx_model
from tests.unit.host_sdk.converting.pt2_files import write_pt2

ONNX = b"\x08\x08" + field(2, "pytorch") + field(7, field(2, "main_graph") + b"onnx::Conv_1")
PROTOTXT = b'# a net\nname: "CaffeNet"\nlayer {\n  name: "data"\n  type: "Input"\n}\n'


def archive(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as files:
        for name in names:
            files.writestr(name, b"x")
    return path


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def found(path: Path) -> str | None:
    form = form_of_file(path)
    return form.name if form else None


def test_names_say_nothing(tmp_path: Path) -> None:
    assert found(write_keras(tmp_path / "a.tflite")) == "a Keras model (.keras)"
    assert found(write(tmp_path / "b.keras", b"\x89HDF\r\n\x1a\n")) == "a Keras model in HDF5 (.h5)"
    folder = write_saved_model(tmp_path / "c.onnx", honest())
    assert found(folder) == "a SavedModel of TensorFlow (a folder)"
    assert found(write(tmp_path / "d.bin", ONNX)) == "an ONNX model"
    assert found(archive(tmp_path / "e", "e/data.pkl", "e/version")) == "a PyTorch model"
    assert found(write(tmp_path / "f.prototxt", PROTOTXT)) == "a Caffe network"


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04 torn", b"\x08", DIGITS.read_bytes()])
def test_what_is_none_of_them(tmp_path: Path, data: bytes) -> None:
    assert found(write(tmp_path / "model.keras", data)) is None
    assert found(tmp_path) is None


def test_a_tflite_by_another_name_is_one(tmp_path: Path) -> None:
    assert open_model(write(tmp_path / "m.keras", DIGITS.read_bytes())).is_tflite


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("old.pth", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", r"pickle.*torch\.export\.save"),
        ("net.prototxt", PROTOTXT, "net.prototxt needs weights beside it, net.caffemodel or"),
        ("net.caffemodel", b"\x0a\x04CafNet", "needs a description beside it, net.prototxt"),
        (
            "m.txt",
            b"hello, world",
            "must be a blob .* a Keras model .*; .*starts with b'hello, w'",
        ),
    ],
)
def test_what_is_not_taken_is_told_the_way_out(
    tmp_path: Path, name: str, data: bytes, sentence: str
) -> None:
    with pytest.raises(ModelFileError, match=sentence):
        open_model(write(tmp_path / name, data))


@pytest.mark.parametrize(
    ("name", "data", "command"),
    [
        (
            "best.onnx",
            onnx_model(onnx_graph()),
            r"onnx2tf 2\S+ is not installed; .*: xipnet convert-env onnx",
        ),
        ("net.pt2", None, r"litert-torch .* is not installed; .*: xipnet convert-env torch"),
    ],
)
def test_without_their_environments_the_command_is_told(
    tmp_path: Path, name: str, data: bytes | None, command: str
) -> None:
    path = write(tmp_path / name, data) if data else write_pt2(tmp_path / name)
    assert form_of_file(path) is not None
    with pytest.raises(ToolMissingError, match=command):
        open_model(path)


def test_every_format_is_converted_or_tells_the_way_out() -> None:
    assert len(find_formats()) == 6
    assert all(form.prepare or form.convert or form.way_out for form in find_formats())


def test_an_empty_folder(tmp_path: Path, recorded: Recorded) -> None:
    with pytest.raises(ModelFileError, match="is a folder without one"):
        open_model(tmp_path)
    assert recorded.asked == []
