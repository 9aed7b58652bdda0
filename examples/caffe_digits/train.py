"""Train a network on scikit-learn's digits, and write it as Caffe does.

python -m examples.caffe_digits.train

Writes digits8.prototxt and digits8.caffemodel, and the pictures that it was not trained on,
digits8.npz: x float32 [N, 8, 8, 1] from 0 to 1, y int64 [N]. Needs scikit-learn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from host_sdk.converting.caffe.schema import network_class

HERE = Path(__file__).resolve().parent
HIDDEN = 32


def main() -> None:
    """Train, write, and say how well it does."""
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        (x / 16).astype(np.float32), y, test_size=400, random_state=1, stratify=y
    )
    network = MLPClassifier((HIDDEN,), max_iter=600, random_state=1).fit(x_train, y_train)
    print(f"accuracy on {len(y_test)} other pictures: {network.score(x_test, y_test):.2%}")
    write_weights(HERE / "digits8.caffemodel", network.coefs_, network.intercepts_)
    pictures = x_test.reshape(-1, 8, 8, 1)
    np.savez_compressed(HERE / "digits8.npz", x=pictures, y=y_test.astype(np.int64))


def write_weights(path: Path, matrices: list[np.ndarray], biases: list[np.ndarray]) -> None:
    """Write the weights of two layers; Caffe has a row for each output."""
    message = network_class()(name="digits8")
    for name, matrix, bias in zip(("hidden", "scores"), matrices, biases, strict=True):
        layer = message.layer.add(name=name, type="InnerProduct")
        for array in (matrix.T, bias):
            blob = layer.blobs.add()
            blob.shape.dim.extend(array.shape)
            blob.data.extend(array.astype(np.float32).ravel().tolist())
    path.write_bytes(message.SerializeToString())


if __name__ == "__main__":
    main()
