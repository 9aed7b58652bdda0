"""Boxes around coins, by the detector of `make demo` and the head `grid`.

    python examples/heads/grid.py -o docs/heads/grid.png

The network is examples/models/coins.tflite, the head examples/models/coins.toml. What is right of
the orange line took no part in training (examples/README.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from coin_features import LEARNT, coin_photo, hit_coins
from coin_photo import HELD_OUT_COINS
from PIL import Image, ImageDraw

from host_sdk.inference.picture import Letterbox
from relocatable import compile_model
from relocatable.blob.host import HostModel

MODEL = Path(__file__).parents[1] / "models" / "coins.tflite"
SIDE = 160

Box = tuple[float, float, float, float]


def find(picture: Image.Image) -> list[Box]:
    """Find boxes in pixels of a gray picture."""
    letterbox = Letterbox(picture.size, (SIDE, SIDE))
    seen = np.asarray(letterbox.apply(picture), np.uint8)
    with HostModel(compile_model(MODEL, target="host", golden=False)) as network:
        network.write_inputs([seen[None, :, :, None]])
        network.run(1)
        found: list[Any] = network.items(1)
        return [letterbox.undo(item.box) for item in found]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("grid.png"))
    args = parser.parse_args()
    photo = Image.fromarray(coin_photo())
    boxes = find(photo)
    picture = photo.convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.line((LEARNT, 0, LEARNT, photo.height), "#FF6000", 2)
    for box in boxes:
        draw.rectangle(box, outline="#30C0FF", width=2)
    picture.quantize(32, Image.Quantize.FASTOCTREE).save(args.output, optimize=True)
    hits = hit_coins([((x0 + x1) / 2, (y0 + y1) / 2) for x0, y0, x1, y1 in boxes])
    fresh = len(hits & set(HELD_OUT_COINS))
    print(f"{len(boxes)} boxes on {len(hits)} coins of 24; of the 8 right of the line {fresh}")


if __name__ == "__main__":
    main()
