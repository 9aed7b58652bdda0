"""Start TensorFlow, and write networks as .tflites, for the training scripts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

SEED = 20240501

Floats = npt.NDArray[np.float32]


def start_tensorflow(threads: int = 1) -> None:
    """Import TensorFlow, quiet, without a GPU, seeded.

    The same versions on the same kind of machine then give the same network.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(SEED)


def convert(model: keras.Model, integers: bool = False) -> bytes:
    """Write a .tflite: of floats, or of integers as the network was trained for.

    Args:
        model: of Keras 3 or of tf_keras.
        integers: it was trained for them.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if integers:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def to_integers(model: keras.Model, samples: Floats, uint8_input: bool = True) -> bytes:
    """Quantise a network after its training: weights, values and output int8.

    Args:
        model: of Keras 3 or of tf_keras, with one input and a batch of one.
        samples: [N, ...], as it takes them; 100 to 500 tell the ranges of values.
        uint8_input: take pixels as a camera gives them; else int8.
    """
    import tensorflow as tf

    def calibration() -> Iterator[list[Floats]]:
        for sample in samples:
            yield [sample[None]]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8 if uint8_input else tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())
