"""Write a folder of labelled pictures of coins, as YOLO's tools want them.

All are windows of one photograph, `skimage.data.coins()`: four in a picture, resized a little,
lighter or darker, on plain ground. `train` has the 16 coins of its left two thirds, `held_out` the
other eight.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from coin_photo import HELD_OUT_COINS, TRAIN_COINS, TRAIN_WINDOWS
from PIL import Image
from skimage import data
from yolo_folder import Boxes, Labelled, write_labelled

QUARTER = 160  # pixels, both ways
SHOWN = 0.5  # share of a coin that a window must show for it to count

# Rectangles with the coins of HELD_OUT_COINS and no others.
HELD_OUT_WINDOWS = ((243, 0, 384, 228), (272, 0, 384, 303))

Rectangle = tuple[int, int, int, int]


def make_data(folder: Path, train: int, held_out: int, seed: int) -> None:
    """Write so many pictures of each kind."""
    rng = np.random.default_rng(seed)
    parts = {
        "train": (train, TRAIN_WINDOWS, TRAIN_COINS),
        "held_out": (held_out, HELD_OUT_WINDOWS, HELD_OUT_COINS),
    }
    for name, (count, windows, coins) in parts.items():
        for n in range(count):
            views = [_view(windows, coins, rng) for _ in range(4)]
            write_labelled(folder / name, f"{n:04}", _join(views))


def _join(views: Sequence[tuple[npt.NDArray[np.float64], Boxes]]) -> Labelled:
    """Lay four views beside and below one another."""
    pixels, boxes = zip(*views, strict=True)
    whole = np.block([[pixels[0], pixels[1]], [pixels[2], pixels[3]]])
    shifts = [(0, 0), (QUARTER, 0), (0, QUARTER), (QUARTER, QUARTER)]
    moved = [b + (shift * 2) for b, shift in zip(boxes, shifts, strict=True)]
    picture = Image.fromarray(whole.clip(0, 255).astype(np.uint8)).convert("RGB")
    return Labelled(picture, np.concatenate(moved))


def _view(
    windows: Sequence[Rectangle], coins: Sequence[Rectangle], rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], Boxes]:
    """Paste a window of the photograph somewhere onto plain ground, and light it."""
    left, top, right, bottom = windows[rng.integers(len(windows))]
    side = int(rng.integers(90, min(right - left, bottom - top) + 1))
    x, y = int(rng.integers(left, right - side + 1)), int(rng.integers(top, bottom - side + 1))
    size = int(min(side * rng.uniform(0.6, 1.1), QUARTER))
    at = rng.integers(0, QUARTER - size + 1, 2)
    ground = int(rng.integers(20, 110))
    canvas = Image.new("L", (QUARTER, QUARTER), ground)
    window = Image.fromarray(data.coins()).crop((x, y, x + side, y + side))
    canvas.paste(window.resize((size, size), Image.Resampling.BILINEAR), tuple(at.tolist()))
    pixels = np.asarray(canvas) * rng.uniform(0.8, 1.2) + rng.normal(0, 4, (QUARTER, QUARTER))
    boxes = []
    for coin in coins:
        box = np.array(coin, np.float64)
        cut = box.clip((x, y, x, y), (x + side, y + side, x + side, y + side))
        if np.prod(cut[2:] - cut[:2]) > SHOWN * np.prod(box[2:] - box[:2]):
            boxes.append((cut - (x, y, x, y)) * (size / side) + np.tile(at, 2))
    return pixels, np.array(boxes).reshape(-1, 4)
