"""onnx2tf in the environment that the command makes: outputs, boards, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host_sdk import Device, ModelFileError
from host_sdk.inference.model_source import open_model
from host_sdk.validation.litert import Reference
from relocatable.read_tflite import read_tflite
from tests.convert.samples import expected, turned

pytestmark = [pytest.mark.proof("convert"), pytest.mark.usefixtures("private")]


@pytest.mark.parametrize("name", ["photo", "plane", "pair", "signal", "apart"])
def test_outputs_are_those_of_onnx(onnx_models: Path, name: str) -> None:
    inputs, outputs = expected(onnx_models, "photo" if name == "apart" else name)
    opened = open_model(onnx_models / f"{name}.onnx")
    assert opened.name == name
    graph = read_tflite(opened.data, "m")
    assert [graph.tensors[i].shape for i in graph.inputs] == [turned(x).shape for x in inputs]
    if name == "pair":
        assert [graph.tensors[i].name for i in graph.inputs] == ["b", "a"]
    if name == "photo":
        assert "input 'picture' is [1, 16, 16, 3] on the board" in opened.note
    with Reference(opened.data) as found:
        for actual, wanted in zip(found.run([turned(x) for x in inputs]), outputs, strict=True):
            np.testing.assert_allclose(actual, turned(wanted), rtol=0, atol=1e-5)


@pytest.mark.sim
def test_a_board_computes_it(onnx_models: Path) -> None:
    inputs, outputs = expected(onnx_models, "photo")
    with Device("sim://cortex-m4") as board:
        loaded = board.load_model(onnx_models / "photo.onnx")
        assert "channels last" in loaded.note
        answer = board.infer(turned(inputs[0]))
        np.testing.assert_allclose(answer, outputs[0], rtol=0, atol=1e-5)


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
