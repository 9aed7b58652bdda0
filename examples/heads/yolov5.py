"""Boxes around coins, by a network of two convolutions and the head `yolov5`.

The network's output is one feature map with one anchor of 44 pixels, as YOLOv5's are before they
are decoded; it is solved for, as coin_features.py says.

    python examples/heads/yolov5.py -o docs/heads/yolov5.png
"""

from __future__ import annotations

import numpy as np
from coin_boxes import main
from coin_features import CELL, HEIGHT, MARGIN, WIDTH, CoinFit, Floats
from small_tflite import write_tflite

ANCHOR, STEEPNESS, SURE = 44.0, 12.0, 6.0
INPUT_ANCHOR = [ANCHOR * (side + 2 * MARGIN) / side for side in (WIDTH, HEIGHT)]
HEAD = {
    "head": "yolov5",
    "labels": ["coin"],
    # In pixels of the network's input: with its margin that is larger than what the cells cover.
    "yolov5": {"anchors": [INPUT_ANCHOR], "threshold": 0.5, "iou": 0.2},
}


def logit(share: np.ndarray) -> np.ndarray:
    """Compute what the logistic function makes a share of."""
    inside = np.clip(share, 0.02, 0.98)
    return np.asarray(np.log(inside / (1 - inside)))


def network(image: Floats) -> bytes:
    """Make the network: x, y, w, h, objectness and the score of a coin for each cell."""
    fit = CoinFit(image)
    coins = fit.coins()
    offset = ((coins[:, :2] + coins[:, 2:]) / 2 - fit.middles) / CELL  # from the middle, in cells
    size = np.sqrt((coins[:, 2:] - coins[:, :2]) / ANCHOR) / 2
    wanted = [*logit((offset.T + 1) / 2), *logit(size.T)]
    boxes = [fit.solve(channel, only_centers=True) for channel in wanted]
    weights, bias = fit.solve(fit.is_center, only_centers=False)
    all_weights = [*(w for w, _ in boxes), STEEPNESS * weights, 0 * weights]
    all_bias = [*(b for _, b in boxes), STEEPNESS * (bias - 0.5), SURE]
    return write_tflite(image.shape, [fit.first, fit.second(all_weights, all_bias)])


if __name__ == "__main__":
    main(__doc__, network, HEAD, "yolov5.png")
