"""Boxes around coins, by a network of two convolutions and the head `yolov8`.

The network's output is one feature map with distributions of the distances to the four sides, as
YOLOv8's are before they are decoded. It is solved for, as coin_features.py says: the logits k d -
k^2 / 2 of the values k = 0, 1, .. are those of a normal distribution about the distance d.

    python examples/heads/yolov8.py -o docs/heads/yolov8.png
"""

from __future__ import annotations

import numpy as np
from coin_boxes import main
from coin_features import CELL, CoinFit, Floats
from small_tflite import write_tflite

BINS, STEEPNESS = 16, 12.0
HEAD = {
    "head": "yolov8",
    "labels": ["coin"],
    "yolov8": {"reg_max": BINS, "threshold": 0.5, "iou": 0.2},
}


def network(image: Floats) -> bytes:
    """Make the network: four distributions and the score of a coin for each cell."""
    fit = CoinFit(image)
    coins = fit.coins()
    before, behind = fit.middles - coins[:, :2], coins[:, 2:] - fit.middles
    weights, bias = [], []
    for distance in np.concatenate([before, behind], 1).T / CELL:
        w, b = fit.solve(distance, only_centers=True)
        weights += [k * w for k in range(BINS)]
        bias += [k * b - k * k / 2 for k in range(BINS)]
    w, b = fit.solve(fit.is_center, only_centers=False)
    layers = [fit.first, fit.second([*weights, STEEPNESS * w], [*bias, STEEPNESS * (b - 0.5)])]
    return write_tflite(image.shape, layers)


if __name__ == "__main__":
    main(__doc__, network, HEAD, "yolov8.png")
