"""Train a network of CIFAR-10's shape, and write it as Caffe does.

    python -m examples.cifar_caffe.train --output net             # ten kinds of pictures that ship
    python -m examples.cifar_caffe.train --output net --cifar     # CIFAR-10, downloaded
    xipnet quantize net/cifar10.prototxt --data net/cifar10.npz --scheme int8 --scheme qmn

Keras trains the network of cifar10.prototxt. Written are its cifar10.caffemodel, cifar10.npz with
held-out pictures (x uint8 [N, 32, 32, 3], y), and shares.npy, what Keras makes of these. Qm.n, the
scheme of CMSIS-NN's first years, is searched on them: docs/QUANTIZE.md.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from examples.picture_patches import SIDE, Patches, cifar10, picture_patches
from examples.training import SEED, start_tensorflow
from host_sdk.converting.caffe.schema import network_class

if TYPE_CHECKING:
    import keras

HERE = Path(__file__).resolve().parent


def build_model() -> keras.Model:
    """Make the network of cifar10.prototxt; takes 0..1, gives the classes' shares.

    Caffe rounds the number of windows up, as "same" does here: a last one hangs over by a pixel.
    """
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(16, 5, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(3, 2, padding="same"),
            layers.Conv2D(16, 5, padding="same", activation="relu", name="conv2"),
            layers.AveragePooling2D(3, 2, padding="same"),
            layers.Conv2D(32, 5, padding="same", activation="relu", name="conv3"),
            layers.AveragePooling2D(3, 2, padding="same"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", name="scores"),
        ]
    )


def train(model: keras.Model, data: Patches, epochs: int) -> None:
    """Train on the pictures as they are and mirrored."""
    import keras

    x = np.concatenate([data.pictures, data.pictures[:, :, ::-1]]) / np.float32(255)
    y = np.concatenate([data.labels] * 2)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, -(-len(y) // 32) * epochs)
    model.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=2)


def write_weights(model: keras.Model, path: Path) -> None:
    """Write a .caffemodel: filters as outputs x inputs x rows x columns."""
    message = network_class()(name="cifar10")
    for name in ("conv1", "conv2", "conv3", "scores"):
        kernel, bias = model.get_layer(name).get_weights()
        if kernel.ndim == 4:
            kind, kernel = "Convolution", kernel.transpose(3, 2, 0, 1)
        else:
            channels, side = 32, 4  # of pool3: Keras has rows x columns x channels
            by_place = kernel.T.reshape(-1, side, side, channels)
            kind, kernel = "InnerProduct", by_place.transpose(0, 3, 1, 2).reshape(len(by_place), -1)
        layer = message.layer.add(name=name, type=kind)
        for array in (kernel, bias):
            blob = layer.blobs.add()
            blob.shape.dim.extend(array.shape)
            blob.data.extend(array.astype(np.float32).ravel().tolist())
    path.write_bytes(message.SerializeToString())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=Path(), metavar="FOLDER")
    parser.add_argument("--cifar", action="store_true", help="download CIFAR-10")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--quick", action="store_true", help="half as many pictures")
    args = parser.parse_args()
    start_tensorflow()
    if args.cifar:
        taught, held_out = cifar10()
    else:
        taught = picture_patches(60 if args.quick else 120, held_out=False, seed=SEED)
        held_out = picture_patches(40, held_out=True, seed=SEED)
    model = build_model()
    train(model, taught, args.epochs)
    shares = model.predict(held_out.pictures / np.float32(255), verbose=0)
    right = (shares.argmax(1) == held_out.labels).mean()
    args.output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / "cifar10.prototxt", args.output / "cifar10.prototxt")
    write_weights(model, args.output / "cifar10.caffemodel")
    np.savez_compressed(args.output / "cifar10.npz", x=held_out.pictures, y=held_out.labels)
    np.save(args.output / "shares.npy", shares)
    print(f"Keras: accuracy {right:.2%} on {len(shares):,} held-out pictures")


if __name__ == "__main__":
    main()
