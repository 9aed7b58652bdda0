"""The photograph of coins: where they are, and which part of it training may see.

`skimage.data.coins()` shows 24 Greek coins from Pompeii, gray, 384x303 pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]  # x0, y0, x1, y1 in pixels, ends exclusive

# Boxes of the coins: the regions of a watershed on the Sobel gradient (markers: below 30, above
# 150), each one checked by eye.
TRAIN_COINS = (
    *((22, 35, 67, 74), (81, 39, 120, 74), (132, 28, 179, 74), (192, 30, 240, 73)),
    *((25, 104, 67, 145), (84, 108, 122, 145), (134, 110, 173, 145), (186, 105, 226, 144)),
    *((26, 179, 63, 217), (80, 175, 124, 217), (135, 179, 174, 217), (189, 170, 237, 217)),
    *((18, 233, 75, 288), (93, 245, 136, 287), (144, 236, 201, 288), (220, 240, 269, 288)),
)
HELD_OUT_COINS = (
    *((255, 34, 297, 72), (305, 16, 365, 72), (245, 95, 296, 144), (317, 106, 356, 145)),
    *((251, 172, 297, 217), (315, 156, 380, 218), (276, 239, 326, 289), (336, 248, 382, 289)),
)

# Training sees these rectangles of the photograph and nothing else.
TRAIN_REGIONS = ((0, 0, 243, 228), (0, 228, 272, 303))

# Rectangles within those; the second ends before the coin across the edge of the first.
TRAIN_WINDOWS = ((0, 0, 243, 228), (0, 0, 218, 303))


def train_mask(shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Mask the photograph's pixels that training may see."""
    mask = np.zeros(shape, dtype=bool)
    for x0, y0, x1, y1 in TRAIN_REGIONS:
        mask[y0:y1, x0:x1] = True
    return mask


def coin_masks(photo: Gray) -> npt.NDArray[np.bool_]:
    """Mask the inside of the training coins, by the watershed that gave their boxes."""
    from scipy import ndimage
    from skimage import filters, segmentation

    markers = np.where(photo < 30, 1, np.where(photo > 150, 2, 0))
    inside = segmentation.watershed(filters.sobel(photo), markers) == 2
    filled: npt.NDArray[np.bool_] = ndimage.binary_fill_holes(inside)
    only = np.zeros_like(filled)
    for x0, y0, x1, y1 in TRAIN_COINS:
        only[y0:y1, x0:x1] = filled[y0:y1, x0:x1]
    return only


def iou(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    w, h = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = max(w, 0) * max(h, 0)
    areas = np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])
    return float(both / max(areas - both, 1e-9))
