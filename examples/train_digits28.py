"""Train a network of floats on digits of 28x28 pixels, and keep it as Keras's .h5.

The digits are scikit-learn's, enlarged: 1,797 of 8x8 pixels, written by 13 people. The last 1,000
are held out of training; they become digits28.npz (x uint8 [1000, 28, 28, 1], y), which the board
gets over its serial port:

    python examples/train_digits28.py                # digits28.h5, digits28.npz (under a minute)
    python examples/train_digits28.py --mnist        # on MNIST, which Keras downloads
    xipnet load digits28.h5 --port sim://cortex-m4 --data digits28.npz
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from training import SEED, start_tensorflow

if TYPE_CHECKING:
    import keras

SIDE = 28
HELD_OUT = 1000


class Digits(NamedTuple):
    """Pictures uint8 [N, 28, 28, 1] (0 paper, 255 ink) and what they show [N]."""

    pictures: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def enlarged_digits() -> tuple[Digits, Digits]:
    """Return scikit-learn's digits: those to train with, and the last HELD_OUT."""
    from PIL import Image
    from sklearn.datasets import load_digits

    def enlarge(small: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
        pixels = Image.fromarray(np.minimum(small * 16, 255).astype(np.uint8))
        return np.asarray(pixels.resize((SIDE, SIDE), Image.Resampling.BICUBIC))[..., None]

    source = load_digits()
    pictures, labels = np.stack([enlarge(i) for i in source.images]), source.target.astype(np.int64)
    return (
        Digits(pictures[:-HELD_OUT], labels[:-HELD_OUT]),
        Digits(pictures[-HELD_OUT:], labels[-HELD_OUT:]),
    )


def mnist_digits() -> tuple[Digits, Digits]:
    """Return MNIST's 60,000 digits, and the first HELD_OUT of its test part."""
    import keras

    (x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
    return (
        Digits(x[..., None], y.astype(np.int64)),
        Digits(x_test[:HELD_OUT, ..., None], y_test[:HELD_OUT].astype(np.int64)),
    )


def build_model() -> keras.Model:
    """Make two convolutions and a dense layer; takes 0..1, gives the classes' shares."""
    import keras
    from keras import layers

    picture = keras.Input((SIDE, SIDE, 1), name="picture")
    x = layers.Conv2D(12, 3, strides=2, activation="relu")(picture)
    x = layers.Conv2D(24, 3, strides=2, activation="relu")(x)
    x = layers.Flatten()(x)
    return keras.Model(picture, layers.Dense(10, activation="softmax")(x), name="digits28")


def train(data: Digits, epochs: int) -> keras.Model:
    """Train on pictures moved, turned and resized a little."""
    import keras
    from keras import layers

    model = build_model()
    augment = [
        layers.RandomTranslation(0.1, 0.1, fill_mode="constant", seed=SEED),
        layers.RandomRotation(0.04, fill_mode="constant", seed=SEED),
        layers.RandomZoom(0.12, fill_mode="constant", seed=SEED),
    ]
    taught = keras.Sequential([keras.Input((SIDE, SIDE, 1)), *augment, model])
    steps = -(-len(data.labels) // 32) * epochs
    rate = keras.optimizers.schedules.CosineDecay(3e-3, steps)
    taught.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy")
    x = data.pictures / np.float32(255)
    taught.fit(x, data.labels, batch_size=32, epochs=epochs, verbose=2)
    return model


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path(), metavar="FOLDER")
    parser.add_argument("--mnist", action="store_true", help="download MNIST, and take its digits")
    parser.add_argument("--epochs", type=int, help="by default 60, of MNIST 5")
    parser.add_argument("--quick", action="store_true", help="30 epochs: under a minute on a core")
    args = parser.parse_args()
    start_tensorflow()
    taught, held_out = mnist_digits() if args.mnist else enlarged_digits()
    model = train(taught, args.epochs or (5 if args.mnist else 30 if args.quick else 60))
    shares = model.predict(held_out.pictures / np.float32(255), verbose=0)
    right = (shares.argmax(1) == held_out.labels).mean()
    error = np.abs(shares - np.eye(10)[held_out.labels]).mean()
    args.output.mkdir(parents=True, exist_ok=True)
    model.save(args.output / "digits28.h5")
    np.savez_compressed(args.output / "digits28.npz", x=held_out.pictures, y=held_out.labels)
    print(f"Keras: accuracy {right:.2%}, mean error {error:.5f} on {HELD_OUT:,} held-out digits")
    print(f"written {args.output / 'digits28.h5'} and digits28.npz beside it")


if __name__ == "__main__":
    main()
