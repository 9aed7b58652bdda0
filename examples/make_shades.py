"""The two little classifiers of pipeline.py: how bright is a coin?

One dense layer over 8x8 pixels computes the mean and compares it: `shade2` tells dark from bright,
`shade3` knows one more class between. The thresholds halve, or part in three, the coins of the
training part of the photograph. Nothing is learned.

    python examples/make_shades.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from coin_photo import TRAIN_COINS

SIDE = 8
STEEPNESS = 20.0
MODELS = Path(__file__).parent / "models"

Floats = npt.NDArray[np.float32]


def brightness() -> Floats:
    """Return the mean of each coin's box, 0..1."""
    from skimage import data

    photo = data.coins()
    return np.array([photo[y0:y1, x0:x1].mean() / 255 for x0, y0, x1, y1 in TRAIN_COINS])


def logits(thresholds: list[float]) -> tuple[Floats, Floats]:
    """Make weights [64, classes], bias; class k wins between thresholds k - 1 and k."""
    slopes = STEEPNESS * np.arange(len(thresholds) + 1)
    weights = np.repeat(slopes[None] / SIDE**2, SIDE**2, axis=0)
    bias = -STEEPNESS * np.concatenate([[0.0], np.cumsum(thresholds)])
    return weights.astype(np.float32), bias.astype(np.float32)


def make(name: str, thresholds: list[float]) -> bytes:
    """Full-integer .tflite: uint8 [1, 8, 8, 1] at scale 1/255 in, int8 logits out."""
    import keras
    import tensorflow as tf
    from keras import layers

    picture = keras.Input((SIDE, SIDE, 1), batch_size=1, name="picture")
    dense = layers.Dense(len(thresholds) + 1, name="shade")
    model = keras.Model(picture, dense(layers.Flatten()(picture)), name=name)
    dense.set_weights(logits(thresholds))

    def calibration() -> Iterator[list[Floats]]:
        for level in np.linspace(0, 1, 50):
            yield [np.full((1, SIDE, SIDE, 1), level, np.float32)]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    levels = brightness()
    for parts in (2, 3):
        thresholds = [float(np.quantile(levels, k / parts)) for k in range(1, parts)]
        path = MODELS / f"shade{parts}.tflite"
        path.write_bytes(make(path.stem, thresholds))
        shown = ", ".join(f"{t:.3f}" for t in thresholds)
        print(f"{path.name}: {path.stat().st_size} bytes, thresholds {shown}")


if __name__ == "__main__":
    main()
