"""Handwritten digits and what they may be, by the head `classify`.

    python examples/heads/classify.py -o docs/heads/classify.png

The network is examples/models/digits.tflite, the head examples/models/digits.toml; the digits are
those of scikit-learn's that training held out. Above are the first ones, below those that it names
wrongly, each with the three best classes and their probabilities.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from relocatable import compile_model
from relocatable.blob.host import HostModel

MODEL = Path(__file__).parents[1] / "models" / "digits.tflite"
HELD_OUT, COLUMNS, WIDTH, HEIGHT, PIXELS = 360, 10, 62, 96, 40
RIGHT, WRONG, OTHER = "#0072B2", "#D55E00", "#888888"

Digits = npt.NDArray[np.uint8]


def held_out() -> tuple[Digits, Sequence[str]]:
    """Load digits [N, 8, 8] in 0..255, light on dark, and their labels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures = np.round(found.images[-HELD_OUT:] * (255 / 16)).astype(np.uint8)
    return pictures, list(map(str, found.target[-HELD_OUT:]))


def classes_of(pictures: Digits) -> list[list[Any]]:
    """Run network and head on each: the best three classes."""
    found = []
    with HostModel(compile_model(MODEL, target="host", golden=False)) as network:
        for picture in pictures:
            network.write_inputs([picture[None, :, :, None]])
            network.run(1)
            found.append(network.items(1))
    return found


def draw(pictures: Digits, found: list[list[Any]], digits: Sequence[str], at: list[int]) -> Any:
    """Draw digits with their best classes: the right one blue, a wrong one orange."""
    rows = -(-len(at) // COLUMNS)
    canvas = Image.new("RGB", (COLUMNS * WIDTH, rows * HEIGHT), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=12)
    for place, i in enumerate(at):
        x, y = place % COLUMNS * WIDTH, place // COLUMNS * HEIGHT
        ink = Image.fromarray(255 - pictures[i]).resize((PIXELS, PIXELS), Image.Resampling.NEAREST)
        canvas.paste(ink, (x + (WIDTH - PIXELS) // 2, y + 6))
        for line, item in enumerate(found[i]):
            colour = RIGHT if item.label == digits[i] else OTHER if line else WRONG
            text = f"{item.label}  {item.score:.2f}"
            draw.text((x + WIDTH // 2, y + PIXELS + 9 + 14 * line), text, colour, font, "mt")
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("classify.png"))
    args = parser.parse_args()
    pictures, digits = held_out()
    found = classes_of(pictures)
    wrong = [i for i in range(HELD_OUT) if found[i][0].label != digits[i]]
    shown = [*range(COLUMNS), *wrong[:COLUMNS]]
    draw(pictures, found, digits, shown).quantize(64).save(args.output, optimize=True)
    print(f"{HELD_OUT - len(wrong)} of {HELD_OUT} digits are named rightly")


if __name__ == "__main__":
    main()
