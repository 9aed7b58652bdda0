"""Digits with a broken line, found by an autoencoder and the head `anomaly`.

The autoencoder is two dense layers, 64 to 16 to 64: the first 16 principal components of
scikit-learn's handwritten digits of 8x8 pixels, without the last 360, which are held out. What it
was not made for it gives back badly. The threshold is the 99th percentile of the digits that it was
made from; half of the held-out digits get a line of ink.

    python examples/heads/anomaly.py -o docs/heads/anomaly.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from small_tflite import Layer, write_tflite

from relocatable import compile_model
from relocatable.blob.host import HostModel

Floats = npt.NDArray[np.float32]
HELD_OUT, COMPONENTS, SIDE = 360, 16, 8
BLUE, ORANGE, DARK = "#0072B2", "#D55E00", "#222222"


def digits() -> tuple[Floats, Floats]:
    """Load digits [N, 64] in 0..1: those to learn from, and the others."""
    from sklearn.datasets import load_digits

    pictures = (load_digits().data / 16).astype(np.float32)
    return pictures[:-HELD_OUT], pictures[-HELD_OUT:]


def autoencoder(taught: Floats) -> bytes:
    """Make the network from principal components."""
    mean = taught.mean(0)
    _, _, axes = np.linalg.svd(taught - mean, full_matrices=False)
    axes = axes[:COMPONENTS]
    layers = [Layer(axes, -axes @ mean), Layer(np.ascontiguousarray(axes.T), mean)]
    return write_tflite((1, SIDE * SIDE), layers)


def scores_of(model: bytes, pictures: Floats, threshold: float) -> list[tuple[float, int]]:
    """Run the head on pictures: score, and 1 for an anomaly."""
    head = {"head": "anomaly", "anomaly": {"threshold": threshold}}
    blob = compile_model(model, target="host", head=head, golden=False)
    found = []
    with HostModel(blob) as network:
        for picture in pictures:
            network.write_inputs([picture[None]])
            network.run(1)
            found += network.items(1)
    return [(item.score, item.is_anomaly) for item in found]


def draw(pictures: Floats, found: list[tuple[float, int]], threshold: float) -> Image.Image:
    """Draw 24 digits, and the scores of all: right of the line are anomalies."""
    canvas = Image.new("RGB", (620, 300), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=12)
    for i in range(24):
        x, y = 10 + i % 12 * 50, 8 + i // 12 * 66
        at = i // 12 * (HELD_OUT // 2) + i % 12
        ink = Image.fromarray((255 - pictures[at].reshape(SIDE, SIDE) * 255).astype(np.uint8))
        canvas.paste(ink.resize((40, 40), Image.Resampling.NEAREST), (x, y))
        score, is_anomaly = found[at]
        colour = ORANGE if is_anomaly else BLUE
        draw.rectangle((x - 1, y - 1, x + 40, y + 40), outline=colour, width=2)
        draw.text((x + 20, y + 43), f"{score:.3f}", colour, font, anchor="mt")
    most = max(score for score, _ in found)
    scale = 590 / np.log1p(most / threshold)
    bins = np.linspace(0, 590, 60)
    for half, colour in ((0, BLUE), (1, ORANGE)):
        part = found[half * HELD_OUT // 2 : (half + 1) * HELD_OUT // 2]
        places = [scale * np.log1p(score / threshold) for score, _ in part]
        for left, count in zip(bins[:-1], np.histogram(places, bins)[0], strict=True):
            if count:
                draw.rectangle((15 + left, 270 - 4 * count, 23 + left, 270), fill=colour)
    line = 15 + scale * np.log(2)
    draw.line((line, 150, line, 274), DARK, 2)
    draw.text((line + 6, 148), f"threshold {threshold:.3f}", DARK, font)
    draw.line((15, 271, 605, 271), DARK)
    draw.text((310, 278), "mean squared difference of input and output", DARK, font, anchor="mt")
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("anomaly.png"))
    args = parser.parse_args()
    taught, held_out = digits()
    model = autoencoder(taught)
    known = [score for score, _ in scores_of(model, taught, 1.0)]
    threshold = float(np.quantile(known, 0.99))
    held_out[HELD_OUT // 2 :, 3 * SIDE : 4 * SIDE] = 1.0
    found = scores_of(model, held_out, threshold)
    draw(held_out, found, threshold).quantize(64).save(args.output, optimize=True)
    whole, broken = (
        sum(a for _, a in part) for part in (found[: HELD_OUT // 2], found[HELD_OUT // 2 :])
    )
    print(f"{len(model)} bytes, threshold {threshold:.4f}")
    print(f"anomalies: {whole} of {HELD_OUT // 2} whole digits, {broken} of {HELD_OUT // 2} broken")


if __name__ == "__main__":
    main()
