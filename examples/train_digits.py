"""Train the little digit classifier of examples/models, and measure it.

The data are scikit-learn's `load_digits`: 1,797 real handwritten digits of 8x8 pixels. The last 360
are held out of training (the last, as neighbours were often written by one hand); accuracy is the
int8 model's, run by LiteRT's reference kernels, on those.

    python examples/train_digits.py                   # train, export, measure (under a minute)
    python examples/train_digits.py --evaluate-only   # measure the shipped model
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

MODEL_PATH = Path(__file__).parent / "models" / "digits.tflite"
HELD_OUT = 360
SEED = 20240501


class Digits(NamedTuple):
    """Pictures uint8 [N, 8, 8, 1] (0 paper, 255 ink) and what they show [N]."""

    pictures: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def digits(held_out: bool) -> Digits:
    """Return the last HELD_OUT digits, or the others."""
    from sklearn.datasets import load_digits

    source = load_digits()
    pictures = np.minimum(source.images * 16, 255).astype(np.uint8)[..., None]
    chosen = slice(-HELD_OUT, None) if held_out else slice(None, -HELD_OUT)
    return Digits(pictures[chosen], source.target[chosen].astype(np.int64))


def build_model(batch: int | None = None) -> keras.Model:
    """Make two small convolutions and a dense layer; outputs logits."""
    import keras
    from keras import layers

    picture = keras.Input((8, 8, 1), batch_size=batch, name="picture")
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(picture)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    return keras.Model(picture, layers.Dense(10)(layers.Flatten()(x)), name="digits")


def train(data: Digits, epochs: int) -> keras.Model:
    """Train on pictures moved by up to a pixel, relit and noisy."""
    import keras
    from keras import layers

    augment = keras.Sequential(
        [
            layers.RandomTranslation(0.06, 0.06, fill_mode="constant", seed=SEED),
            layers.RandomRotation(0.03, fill_mode="constant", seed=SEED),
            layers.RandomZoom(0.1, fill_mode="constant", seed=SEED),
            layers.GaussianNoise(0.03, seed=SEED),
        ]
    )
    model = build_model()
    taught = keras.Sequential([keras.Input((8, 8, 1)), augment, model])
    steps = -(-len(data.labels) // 32) * epochs
    taught.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    taught.fit(
        data.pictures / np.float32(255), data.labels, batch_size=32, epochs=epochs, verbose=2
    )
    return model


def export(model: keras.Model, data: Digits) -> bytes:
    """Full-integer .tflite: uint8 input at scale 1/255, int8 logits."""
    import tensorflow as tf

    def calibration() -> Iterator[list[npt.NDArray[np.float32]]]:
        for picture in data.pictures[:500]:
            yield [picture[None].astype(np.float32) / 255]

    single = build_model(batch=1)
    single.set_weights(model.get_weights())
    converter = tf.lite.TFLiteConverter.from_keras_model(single)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = calibration
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def accuracy(model: bytes, data: Digits) -> float:
    """Share of pictures whose best class is right."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    reference = OpResolverType.BUILTIN_REF
    net = Interpreter(model_content=model, experimental_op_resolver_type=reference)
    net.allocate_tensors()
    source, sink = (d[0]["index"] for d in (net.get_input_details(), net.get_output_details()))
    right = 0
    for picture, label in zip(data.pictures, data.labels, strict=True):
        net.set_tensor(source, picture[None])
        net.invoke()
        right += int(net.get_tensor(sink)[0].argmax() == label)
    return right / len(data.labels)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=MODEL_PATH, help="written, then measured")
    parser.add_argument("--evaluate-only", action="store_true", help="measure only; no TensorFlow")
    parser.add_argument("--epochs", type=int, default=80)
    args = parser.parse_args()
    taught, held_out = digits(held_out=False), digits(held_out=True)
    if not args.evaluate_only:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        keras.utils.set_random_seed(SEED)
        args.model.write_bytes(export(train(taught, args.epochs), taught))
    content = args.model.read_bytes()
    print(f"{args.model.name}: {len(content)} bytes")
    print(f"accuracy on {len(held_out.labels)} held-out digits: {accuracy(content, held_out):.4f}")
    print(f"accuracy on {len(taught.labels)} training digits: {accuracy(content, taught):.4f}")


if __name__ == "__main__":
    main()
