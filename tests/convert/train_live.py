"""Train five epochs beside a virtual board; print what was measured, as JSON.

python -m tests.convert.train_live PORT
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import keras
import numpy as np
from sklearn.datasets import load_digits

from host_sdk.training.live_board import LiveBoard


def main() -> None:
    source = load_digits()
    x = (source.images / 16).astype(np.float32)[..., None]
    y = source.target
    keras.utils.set_random_seed(1)
    net = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(12, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    net.compile("adam", loss="sparse_categorical_crossentropy")
    live = LiveBoard(sys.argv[1], x[1400:1500], y[1400:1500], calibrate=x[:100])
    kept = net.fit(x[:1400], y[:1400], epochs=5, callbacks=[live], verbose=0)
    tried = {epoch: asdict(one) for epoch, one in live.tried.items()}
    print(json.dumps({"history": kept.history["board_accuracy"], "tried": tried}))


if __name__ == "__main__":
    main()
