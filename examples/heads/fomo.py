"""Centres of coins, by a network of two convolutions and the head `fomo`.

A FOMO network, as Edge Impulse trains it, says for each cell of 8x8 pixels whether a thing's centre
is there. This one is small enough to be solved for: the first layer are 16 filters of 8x8 pixels
(principal components of the photograph's pieces, and their negatives), the second is fitted by
least squares to the coins in the left two thirds of `skimage.data.coins()`. The right third, with 8
of the 24 coins, takes no part in that.

    python examples/heads/fomo.py -o docs/heads/fomo.png
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from small_tflite import Layer, write_tflite

from relocatable import compile_model
from relocatable.blob.host import HostModel

sys.path.insert(0, str(Path(__file__).parents[1]))
from coin_photo import HELD_OUT_COINS, TRAIN_COINS

Floats = npt.NDArray[np.float32]
HEIGHT, WIDTH = 304, 384
PIECE, FINE, CELL, WINDOW = 8, 4, 8, 13  # pixels, pixels, pixels; fine cells
MARGIN = (WINDOW - 1) * FINE // 2 + 2  # of padding: the grid then covers the photograph
FILTERS, RIDGE, STEEPNESS = 8, 3e-2, 12.0
LEARNT = 243  # columns of the photograph
HEAD = {"head": "fomo", "labels": ["coin"], "fomo": {"softmax": True, "threshold": 0.5}}


def padded(photo: npt.NDArray[np.uint8]) -> Floats:
    """Make the network's input: in 0..1, with a margin."""
    shape = ((MARGIN, MARGIN + HEIGHT - len(photo)), (MARGIN, MARGIN))
    return np.pad(photo / np.float32(255), shape, mode="edge").astype(np.float32)


def pieces(image: Floats, side: int, stride: int) -> Floats:
    """Cut an image [H, W] or [H, W, C] into [rows, columns, side * side * C]."""
    image = image.reshape(*image.shape[:2], -1)
    windows = np.lib.stride_tricks.sliding_window_view(image, (side, side), (0, 1))
    windows = windows[::stride, ::stride].transpose(0, 1, 3, 4, 2)
    return np.ascontiguousarray(windows).reshape(*windows.shape[:2], -1)


def fit(image: Floats) -> list[Layer]:
    """Solve for the two layers."""
    known = image[:, : MARGIN + LEARNT]
    cut = pieces(known, PIECE, FINE).reshape(-1, PIECE * PIECE)
    mean = cut.mean(0)
    _, _, axes = np.linalg.svd(cut - mean, full_matrices=False)
    axes = np.concatenate([axes[:FILTERS], -axes[:FILTERS]])
    first = Layer(axes.reshape(-1, PIECE, PIECE, 1), -axes @ mean, FINE, relu=True)
    inputs, wanted = [], []
    for top in range(0, CELL, 2):
        for left in range(0, CELL, 2):
            part = known[top:, left:]
            fine = np.maximum(pieces(part, PIECE, FINE) @ axes.T + first.bias, 0)
            cells = pieces(fine, WINDOW, CELL // FINE)
            rows, columns = cells.shape[:2]
            inputs.append(cells.reshape(rows * columns, -1))
            wanted.append(targets(rows, columns, top, left).reshape(-1))
    x, y = np.concatenate(inputs), np.concatenate(wanted)
    weight = np.where(y > 0, 6.0, 1.0).astype(np.float32)
    center, middle = np.average(x, 0, weight), np.average(y, 0, weight)
    x, y = x - center, y - middle
    square = (x * weight[:, None]).T @ x
    square += RIDGE * np.trace(square) / len(square) * np.eye(len(square), dtype=np.float32)
    solved = np.linalg.solve(square, x.T @ (weight * y)).astype(np.float32)
    steep = STEEPNESS * np.stack([-solved, solved])
    bias = STEEPNESS * (middle - 0.5 - center @ solved) * np.array([-1, 1], np.float32)
    second = Layer(steep.reshape(2, WINDOW, WINDOW, -1), bias, CELL // FINE)
    return [first, second]


def targets(rows: int, columns: int, top: int, left: int) -> Floats:
    """Say which cells have a coin's centre within 7 pixels of their own."""
    y = np.arange(rows)[:, None] * CELL + top + CELL / 2
    x = np.arange(columns)[None] * CELL + left + CELL / 2
    near = [np.hypot(x - (x0 + x1) / 2, y - (y0 + y1) / 2) < 7 for x0, y0, x1, y1 in TRAIN_COINS]
    return np.any(near, 0).astype(np.float32)


def find(model: bytes, image: Floats) -> list[Any]:
    """Run network and head."""
    blob = compile_model(model, target="host", head=HEAD, golden=False)
    with HostModel(blob) as network:
        network.write_inputs([image[None, :, :, None]])
        network.run(1)
        print("grid", network.outputs()[0].shape)
        return network.items(1)


def main() -> None:
    from skimage import data

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("fomo.png"))
    args = parser.parse_args()
    photo = data.coins()
    image = padded(photo)
    model = write_tflite((1, *image.shape, 1), fit(image))
    found = find(model, image)
    picture = Image.fromarray(photo).convert("RGB")
    draw = ImageDraw.Draw(picture)
    hits = set()
    for thing in found:
        x, y = thing.center[0] * WIDTH, thing.center[1] * HEIGHT
        x0, y0, x1, y1 = (side * (WIDTH, HEIGHT)[i % 2] for i, side in enumerate(thing.box))
        draw.rectangle((x0, y0, x1, y1), outline="#30C0FF", width=2)
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill="#FFB000")
        for coin in (*TRAIN_COINS, *HELD_OUT_COINS):
            if coin[0] <= x < coin[2] and coin[1] <= y < coin[3]:
                hits.add(coin)
    draw.line((LEARNT, 0, LEARNT, HEIGHT), "#FF6000", 2)
    picture.quantize(32, Image.Quantize.FASTOCTREE).save(args.output, optimize=True)
    fresh = len(hits & set(HELD_OUT_COINS))
    print(f"{len(model)} bytes; {len(found)} things found on {len(hits)} coins of 24")
    print(f"of the 8 coins right of the line, which the fit never saw: {fresh}")


if __name__ == "__main__":
    main()
