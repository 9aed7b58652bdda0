"""Makes models with Keras, and their outputs; run by TensorFlow's Python.

python make_models.py FOLDER
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

keras: Any = import_module("keras")
tf: Any = import_module("tensorflow")
layers = keras.layers


def photo() -> Any:
    """Make a small network of pictures."""
    return keras.Sequential(
        [
            keras.Input((16, 16, 1), name="picture"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu", kernel_regularizer="l2"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dropout(0.2),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ],
        name="photo",
    )


def pair() -> Any:
    """Make one with inputs and outputs whose order is not that of their names."""
    b, a = keras.Input((5,), name="b"), keras.Input((3,), name="a")
    joined = layers.Concatenate()([b, a])
    return keras.Model([b, a], [layers.Dense(n, name=f"d{n}")(joined) for n in (3, 2)], name="pair")


def operations() -> Any:
    """Make one with operations in the place of layers, and a model within."""
    x = keras.Input((6,), dtype="int32")
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="tanh")])
    y = keras.ops.tanh(inner(keras.ops.cast(x, "float32") * 0.1 + 1.0))
    return keras.Model(x, y, name="operations")


def sequence() -> Any:
    """Make one of a recurrent layer."""
    inner = layers.LSTM(6)
    return keras.Sequential([keras.Input((12, 4)), inner, layers.Dense(2)], name="sequence")


def open_shape() -> Any:
    """Make one whose input has another size each time."""
    return keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)], name="open_shape")


def spectrum() -> Any:
    """Make one that no .tflite can hold."""
    x = keras.Input((4, 4))
    return keras.Model(x, keras.ops.svd(x)[1], name="spectrum")


def own_layer() -> Any:
    """Make one with a layer of one's own, which no file can hold."""

    class Scale(layers.Layer):  # type: ignore[name-defined, misc]
        def call(self, x: Any) -> Any:
            return x * 3.0

    return keras.Sequential([keras.Input((4,)), Scale(), layers.Dense(2)], name="own_layer")


def lambda_model() -> Any:
    """Make one with a function of one's own."""
    inner = layers.Lambda(lambda x: x + 1.0, name="plus_one")
    return keras.Sequential([keras.Input((4,)), inner, layers.Dense(2)], name="lambda_model")


def keep(folder: Path, model: Any) -> None:
    """Write what a model computes of random inputs."""
    draw = np.random.default_rng(14)
    inputs = [
        draw.integers(0, 9, (1, *x.shape[1:])).astype(x.dtype)
        if x.dtype == "int32"
        else draw.random((1, *x.shape[1:])).astype("float32")
        for x in model.inputs
    ]
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    named: dict[str, Any] = {f"input_{i}": x for i, x in enumerate(inputs)}
    named |= {f"output_{i}": np.array(y) for i, y in enumerate(outputs)}
    np.savez(folder / f"{model.name}.npz", **named)


def old(folder: Path) -> None:
    """Write a file of Keras 2 with functions of TensorFlow as layers."""
    keras2: Any = import_module("tf_keras")
    x = keras2.Input((6,), dtype="int32", name="x")
    y = keras2.layers.Dense(4, activation="relu")(tf.cast(x, tf.float32) * 0.5)
    model = keras2.Model(x, y, name="old")
    model.compile("adam", "mse")
    model.save(folder / "old.h5")
    values = np.arange(6, dtype=np.int32)[None]
    np.savez(folder / "old.npz", input_0=values, output_0=np.array(model(values)))


def train(model: Any) -> None:
    """Give all weights values that are not their first ones."""
    for i, weight in enumerate(model.weights):
        low, high = (0.5, 1.5) if "variance" in weight.name else (-0.3, 0.3)
        draw = np.random.default_rng(i)
        weight.assign(draw.uniform(low, high, weight.shape).astype("float32"))


def main() -> None:
    """Write them all."""
    folder = Path(sys.argv[1])
    for model in (photo(), pair(), operations(), sequence()):
        train(model)
        keep(folder, model)
        model.compile("adam", ["mse"] * len(model.outputs))
        model.save(folder / f"{model.name}.keras")
        # Loops over time are not converted for a batch that is open.
        shapes = [keras.InputSpec(shape=(1, *x.shape[1:]), dtype=x.dtype) for x in model.inputs]
        signature = {"input_signature": shapes} if model.name == "sequence" else {}
        model.export(str(folder / model.name), verbose=False, **signature)
    for model in (photo(), pair()):
        train(model)
        model.compile("adam", ["mse"] * len(model.outputs))  # which needs compile=False
        model.save(folder / f"{model.name}.h5")
    for model in (open_shape(), spectrum(), own_layer(), lambda_model()):
        model.save(folder / f"{model.name}.keras")
    lambda_model().save(folder / "lambda_model.h5")
    photo().save_weights(str(folder / "photo.weights.h5"))
    old(folder)


if __name__ == "__main__":
    main()
