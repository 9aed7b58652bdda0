"""onnx2tf in the environment that the command makes: outputs, boards, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_sdk import ModelFileError
from host_sdk.inference.model_source import open_model
from tests.convert.samples import assert_board_computes, assert_computes, expected

pytestmark = [pytest.mark.proof("convert"), pytest.mark.usefixtures("private")]


@pytest.mark.parametrize("name", ["photo", "plane", "pair", "signal", "apart"])
def test_outputs_are_those_of_onnx(onnx_models: Path, name: str) -> None:
    inputs, outputs = expected(onnx_models, "photo" if name == "apart" else name)
    opened = open_model(onnx_models / f"{name}.onnx")
    assert opened.name == name
    assert_computes(opened, name, inputs, outputs)


@pytest.mark.sim
def test_a_board_computes_it(onnx_models: Path) -> None:
    assert_board_computes(onnx_models / "photo.onnx", *expected(onnx_models, "photo"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("unknown", "onnx2tf has no operators of a .tflite for: DET"),
        ("open_shape", r"input 'x' must have a fixed shape.*has \['n', 3, 'high', 'wide'\]"),
        ("double", "input 'x' must be float32 or an integer; is float64"),
        ("lost", "onnx2tf lost the output 's'"),
    ],
)
def test_what_is_refused(onnx_models: Path, name: str, sentence: str) -> None:
    with pytest.raises(ModelFileError, match=sentence):
        open_model(onnx_models / f"{name}.onnx")
