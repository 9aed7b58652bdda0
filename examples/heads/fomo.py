"""Centres of coins, by a network of two convolutions and the head `fomo`.

A FOMO network, as Edge Impulse trains it, says for each cell of 8x8 pixels whether a thing's centre
is there. This one is small enough to be solved for: coin_features.py says how.

    python examples/heads/fomo.py -o docs/heads/fomo.png
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from coin_features import (
    HEIGHT,
    LEARNT,
    WIDTH,
    CoinFit,
    Floats,
    coin_photo,
    hit_coins,
    network_input,
)
from coin_photo import HELD_OUT_COINS
from PIL import Image, ImageDraw
from small_tflite import write_tflite

from relocatable import compile_model
from relocatable.blob.host import HostModel

STEEPNESS = 12.0
HEAD = {"head": "fomo", "labels": ["coin"], "fomo": {"softmax": True, "threshold": 0.5}}


def network(image: Floats) -> bytes:
    """Make the network: logits of background and coin for each cell."""
    fit = CoinFit(image)
    weights, bias = fit.solve(fit.is_center, only_centers=False)
    steep, level = STEEPNESS * weights, STEEPNESS * (bias - 0.5)
    return write_tflite(image.shape, [fit.first, fit.second([-steep, steep], [-level, level])])


def find(model: bytes, image: Floats) -> list[Any]:
    """Run network and head."""
    blob = compile_model(model, target="host", head=HEAD, golden=False)
    with HostModel(blob) as network:
        network.write_inputs([image])
        network.run(1)
        return network.items(1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("fomo.png"))
    args = parser.parse_args()
    photo = coin_photo()
    image = network_input(photo)
    model = network(image)
    found = find(model, image)
    picture = Image.fromarray(photo).convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.line((LEARNT, 0, LEARNT, HEIGHT), "#FF6000", 2)
    points = [(thing.center[0] * WIDTH, thing.center[1] * HEIGHT) for thing in found]
    for thing, (x, y) in zip(found, points, strict=True):
        corners = [side * (WIDTH, HEIGHT)[i % 2] for i, side in enumerate(thing.box)]
        draw.rectangle(corners, outline="#30C0FF", width=2)
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill="#FFB000")
    picture.quantize(32, Image.Quantize.FASTOCTREE).save(args.output, optimize=True)
    hits = hit_coins(points)
    print(f"{len(model)} bytes; {len(found)} things found on {len(hits)} coins of 24")
    fresh = len(hits & set(HELD_OUT_COINS))
    print(f"of the 8 coins right of the line, which the fit never saw: {fresh}")


if __name__ == "__main__":
    main()
