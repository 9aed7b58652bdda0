"""Keras's own files become .tflites that compute the same, and go onto a board."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest

from host_sdk import ConvertError, Device, ModelFileError
from host_sdk.inference.model_source import open_model
from host_sdk.validation.litert import Reference
from relocatable.read_tflite import read_tflite
from tests.convert.conftest import run
from tests.convert.samples import expected

pytestmark = [pytest.mark.proof("convert"), pytest.mark.usefixtures("converter")]

NAMES = {"photo": (["picture"], None), "pair": (["b", "a"], ["d3", "d2"])}
FILES = [
    *("photo.keras", "photo.h5", "photo", "pair.keras", "pair.h5", "pair", "operations.keras"),
    *("operations", "sequence.keras", "sequence", "old.h5"),
]


@pytest.mark.parametrize("file", FILES)
def test_outputs_are_those_of_keras(models: Path, file: str) -> None:
    name = file.partition(".")[0]
    model = open_model(models / file)
    inputs, outputs = expected(models, name)
    graph = read_tflite(model.data, "m")
    names = [graph.tensors[i].name for i in graph.inputs]
    if file == "pair":  # a SavedModel knows its inputs by name alone
        inputs = [inputs[["b", "a"].index(n)] for n in names]
    elif name in NAMES and "." in file:
        assert names == NAMES[name][0]
        if NAMES[name][1]:
            assert [graph.tensors[i].name for i in graph.outputs] == NAMES[name][1]
    assert model.name == name
    assert [graph.tensors[i].shape for i in graph.inputs] == [x.shape for x in inputs]
    with Reference(model.data) as reference:
        found = reference.run(inputs)
    for actual, wanted in zip(found, outputs, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=0, atol=1e-5)


@pytest.mark.sim
@pytest.mark.parametrize("file", ["photo.keras", "photo.h5", "photo", "sequence.keras", "old.h5"])
def test_a_board_computes_it(models: Path, file: str) -> None:
    name = file.partition(".")[0]
    inputs, outputs = expected(models, name)
    with Device("sim://cortex-m4") as board:
        assert board.load_model(models / file).name == name
        np.testing.assert_allclose(board.infer(*inputs), outputs[0], rtol=0, atol=1e-5)


LIVE = """
import sys
sys.path.insert(0, {here!r})
import keras
import numpy as np
from host_sdk import Device
from make_models import keep, lambda_model, own_layer, pair, photo, sequence, train
from host_sdk.inference.model_source import open_model
from host_sdk.validation.litert import Reference
from pathlib import Path

for make in (photo, pair, sequence, own_layer, lambda_model):
    model = make()
    train(model)
    keep(Path("."), model)
    kept = np.load(f"{{model.name}}.npz")
    inputs = [kept[key] for key in sorted(kept) if key.startswith("input")]
    opened = open_model(model)
    assert opened.name == model.name, opened.name
    with Reference(opened.data) as reference:
        found = reference.run(inputs)
    for i, output in enumerate(found):
        np.testing.assert_allclose(output, kept[f"output_{{i}}"], rtol=0, atol=1e-5)
    print(model.name)

class Own(keras.Model):
    def __init__(self):
        super().__init__(name="own_class")
        self.inner = keras.layers.Dense(2)

    def call(self, x):
        return self.inner(x) * 2.0

own = Own()
wanted = np.array(own(np.ones((1, 3), np.float32)))
with Reference(open_model(own).data) as reference:
    np.testing.assert_allclose(
        reference.run([np.ones((1, 3), np.float32)])[0], wanted, rtol=0, atol=1e-5
    )
print(own.name)

with Device("sim://cortex-m4") as board:
    loaded = board.load_model(model)
    np.testing.assert_allclose(board.infer(inputs[0]), kept["output_0"], rtol=0, atol=1e-5)
    print(loaded.name, "on the board")
"""


@pytest.mark.sim
def test_live_models_with_layers_of_ones_own(tensorflow: Path, tmp_path: Path) -> None:
    program = tmp_path / "live.py"
    program.write_text(LIVE.format(here=str(Path(__file__).parent)))
    done = run(tensorflow, str(program), folder=tmp_path)
    assert done.split("\n")[:-1] == [
        *(
            "photo",
            "pair",
            "sequence",
            "own_layer",
            "lambda_model",
            "own_class",
            "lambda_model on the board",
        )
    ]


def test_the_command_beside_tensorflow(tensorflow: Path, models: Path) -> None:
    program = "from host_sdk.cli import main; main()"
    command = ("check", "photo.keras", "--target", "cortex-m4")
    shown = run(tensorflow, "-c", program, *command, folder=models)
    assert "taken      yes" in shown
    assert "CONV_2D 1" in shown


@pytest.mark.parametrize(
    ("file", "kind", "sentence"),
    [
        ("open_shape.keras", ModelFileError, r"must have a fixed shape, but for the batch; has \["),
        ("photo.weights.h5", ModelFileError, r"holds weights alone, no model: save the whole"),
        ("spectrum.keras", ConvertError, r"TensorFlow says:(.|\n)*Svd"),
    ],
)
def test_what_cannot_be_converted_says_why(
    models: Path, file: str, kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence) as caught:
        open_model(models / file)
    assert file in str(caught.value)
    assert len(str(caught.value)) < 5000


def test_harmless_operations_are_tensorflows(tensorflow: Path) -> None:
    program = """
        from tensorflow.core.framework import op_def_pb2
        from tensorflow.python.client import pywrap_tf_session as session
        from host_sdk.converting.graph_check import harmless_operations
        import tensorflow
        known = op_def_pb2.OpList()
        known.ParseFromString(session.TF_GetBuffer(session.TF_GetAllOpList()))
        print(sorted(harmless_operations() - {op.name for op in known.op}))
    """
    assert run(tensorflow, "-c", textwrap.dedent(program)).strip() == "[]"
