"""Cut small real pictures in ten classes, shaped as CIFAR-10's.

The class is the picture of scikit-image that a part is of. Held-out parts are of a band in the
middle, 25 % of each picture, the others of what is above and below: no pixel is in both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage import data

SIDE = 32
CLASSES = (
    *("astronaut", "brick", "chelsea", "coffee", "grass", "gravel", "hubble_deep_field"),
    *("immunohistochemistry", "page", "retina"),
)


class Patches(NamedTuple):
    """Pictures uint8 [N, 32, 32, 3] and their classes [N]."""

    pictures: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def picture_patches(each: int, held_out: bool, seed: int) -> Patches:
    """Cut so many parts out of each picture, 32 to 48 pixels wide, in any order."""
    rng = np.random.default_rng(seed)
    found, labels = [], np.repeat(np.arange(len(CLASSES)), each)
    for name in CLASSES:
        whole = Image.fromarray(getattr(data, name)()).convert("RGB")
        bands = [(0.4, 0.65)] if held_out else [(0.0, 0.4), (0.65, 1.0)]
        for n in range(each):
            top, bottom = (int(share * whole.height) for share in bands[n % len(bands)])
            side = int(rng.integers(SIDE, min(48, bottom - top) + 1))
            x = int(rng.integers(0, whole.width - side + 1))
            y = int(rng.integers(top, bottom - side + 1))
            part = whole.crop((x, y, x + side, y + side))
            found.append(np.asarray(part.resize((SIDE, SIDE), Image.Resampling.BILINEAR)))
    order = rng.permutation(len(labels))
    return Patches(np.stack(found)[order], labels[order].astype(np.int64))


def cifar10() -> tuple[Patches, Patches]:
    """Return CIFAR-10, which Keras downloads: to train with, and to test."""
    import keras

    (x, y), (x_test, y_test) = keras.datasets.cifar10.load_data()
    return (
        Patches(x, y[:, 0].astype(np.int64)),
        Patches(x_test, y_test[:, 0].astype(np.int64)),
    )
