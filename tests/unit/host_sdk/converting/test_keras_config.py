"""A model's config: what is taken, what is not, and how much of it is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from host_sdk import ModelFileError, UnsafeModelError
from host_sdk.converting.keras_config import MOST_CONFIG_BYTES, read_config
from tests.unit.host_sdk.converting.keras_files import layer, model


def read(config: Any) -> dict[str, Any]:
    return read_config(json.dumps(config), "m.keras")


def operation(name: str, module: str = "keras.src.ops.numpy") -> dict[str, Any]:
    return {**layer(name, module), "registered_name": name}


TENSOR = {"class_name": "__keras_tensor__", "config": {"shape": [None, 4], "dtype": "float32"}}


@pytest.mark.parametrize(
    "part",
    [
        layer("Conv2D", dtype=layer("DTypePolicy", "keras"), activation="relu"),
        layer("Bidirectional", layer=layer("LSTM", units=3)),
        layer("Functional", "keras.src.models.functional"),
        layer("Dense", "tf_keras.layers", kernel_regularizer=layer("L2", "tf_keras.regularizers")),
        layer("Dense", None, kernel_initializer=layer("GlorotUniform", None)),
        layer("TFOpLambda", None, function="math.multiply"),
        layer("TFOpLambda", None, function="cast"),
        layer("SlicingOpLambda", None, function="__operators__.getitem"),
        operation("Add"),
        operation("Cast", "keras.src.ops.core"),
        operation("ReLU", "keras.src.activations.activations"),
        {"args": [TENSOR, 1.0, None], "kwargs": {}},
    ],
)
def test_what_only_computes_is_taken(part: Any) -> None:
    config = model(part)
    assert read(config) == config


@pytest.mark.parametrize(
    ("part", "seen"),
    [
        (layer("Lambda"), "Lambda of keras.layers"),
        (layer("Lambda", None), "Lambda"),
        (layer("FlaxLayer"), "FlaxLayer"),
        (layer("MyLayer", "my_package"), "MyLayer of my_package"),
        (layer("Dense", "keras.layers.evil"), "Dense of keras.layers.evil"),
        (layer("Dense", "keras_evil.layers"), "Dense of keras_evil.layers"),
        (layer("Dense", "keras.initializers"), "Dense of keras.initializers"),
        (layer("get_file", "keras.utils"), "get_file of keras.utils"),
        (layer("Popen", None), "Popen"),
        (layer("TFOpLambda", None, function="io.write_file"), "io.write_file"),
        (layer("TFOpLambda", None, function="py_function"), "py_function"),
        (layer("TFOpLambda", None, function=["cast"]), "['cast']"),
        ({**layer("Dense"), "registered_name": "mine>Dense"}, "registered as mine>Dense"),
        ({**layer("Dense"), "class_name": ["Dense"]}, "['Dense']"),
        ({**layer("Dense"), "module": ["keras"]}, "['keras']"),
        ({"class_name": "function", "config": "f", "module": "builtins"}, "function of builtins"),
    ],
)
def test_what_could_run_code_is_refused(part: Any, seen: str) -> None:
    with pytest.raises(UnsafeModelError) as caught:
        read(model(layer("Dense"), {"deep": [[part]]}))
    assert seen in caught.value.found
    assert caught.value.place.startswith("m.keras, ")


def test_the_layer_is_named() -> None:
    with pytest.raises(UnsafeModelError, match=r"m\.keras, 'my_lambda': every class must"):
        read(model(layer("Lambda")))


def test_a_name_cannot_steer_the_terminal() -> None:
    with pytest.raises(UnsafeModelError) as caught:
        read(model(layer("Lambda", name="\x1b[2J" * 100)))
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_what_only_training_needs_is_left_out() -> None:
    trained = {"optimizer": layer("MyOptimizer", "my_package"), "loss": layer("MyLoss", "mine")}
    inner = {**layer("Dense"), "compile_config": trained}
    assert read({**model(inner), "compile_config": trained}) == model(layer("Dense"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must be JSON"),
        ("{", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ('{"a":' * 500 + "1" + "}" * 500, "must nest at most 200 deep"),
        ("[1]", r"must be an object; is \[1\]"),
        ('{"a": 1' + "0" * 5000 + "}", "must be JSON"),
        (b'{"a": "\xff"}', "must be JSON"),
        (" " * (MOST_CONFIG_BYTES + 1), "must have at most 16,777,216 bytes"),
    ],
)
def test_what_is_no_config(text: str | bytes, sentence: str) -> None:
    with pytest.raises(ModelFileError, match=sentence):
        read_config(text, "m.keras")
