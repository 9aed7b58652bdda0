"""Boxes around coins, by a network of two convolutions and the head `yolov8`.

The network's output is one feature map with distributions of the distances to the four sides, as
YOLOv8's are before they are decoded. It is solved for, as coin_features.py says: the logits k d -
k^2 / 2 of the values k = 0, 1, .. are those of a normal distribution about the distance d.

    python examples/heads/yolov8.py -o docs/heads/yolov8.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from coin_boxes import show_boxes
from coin_features import CELL, CoinFit, Floats, coin_photo, network_input
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("yolov8.png"))
    args = parser.parse_args()
    photo = coin_photo()
    image = network_input(photo)
    print(show_boxes(network(image), HEAD, photo, image, args.output))


if __name__ == "__main__":
    main()
