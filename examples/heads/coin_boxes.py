"""The boxes of a detector on the photograph of coins, drawn and counted."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from coin_features import COINS, HEIGHT, LEARNT, WIDTH, Floats, coin_photo, network_input
from coin_photo import HELD_OUT_COINS, iou
from PIL import Image, ImageDraw

from relocatable import compile_model
from relocatable.blob.host import HostModel


def main(
    doc: str | None, make_network: Callable[[Floats], bytes], head: Mapping[str, Any], output: str
) -> None:
    """Run an example: its network on the photograph.

    Args:
        doc: what the example is.
        make_network: makes a .tflite for an input.
        head: its description.
        output: name of the picture, if the command line names none.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path(output))
    args = parser.parse_args()
    photo = coin_photo()
    image = network_input(photo)
    print(show_boxes(make_network(image), head, photo, image, args.output))


def show_boxes(
    model: bytes,
    head: Mapping[str, Any],
    photo: npt.NDArray[np.uint8],
    image: Floats,
    output: Path,
) -> str:
    """Run a detector, draw its boxes, and compare them with the coins'.

    Args:
        model: a .tflite.
        head: its description.
        photo: the photograph.
        image: the model's input.
        output: gets the picture.

    Returns:
        What was found.
    """
    with HostModel(compile_model(model, target="host", head=head, golden=False)) as network:
        network.write_inputs([image])
        network.run(1)
        found: list[Any] = network.items(1)
    sides = np.array([WIDTH, HEIGHT] * 2)
    boxes = [np.array(item.box) * sides for item in found]
    picture = Image.fromarray(photo).convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.line((LEARNT, 0, LEARNT, HEIGHT), "#FF6000", 2)
    for box in boxes:
        draw.rectangle(box.tolist(), outline="#30C0FF", width=2)
    picture.quantize(32, Image.Quantize.FASTOCTREE).save(output, optimize=True)
    best = {coin: max((iou(np.array(coin), box) for box in boxes), default=0.0) for coin in COINS}
    hits = {coin for coin, overlap in best.items() if overlap >= 0.5}
    fresh = len(hits & set(HELD_OUT_COINS))
    mean = np.mean([best[coin] for coin in hits])
    return (
        f"{len(model)} bytes; {len(found)} boxes; {len(hits)} of 24 coins have one with an IoU of "
        f"0.5 or more (mean {mean:.2f}), of the 8 that the fit never saw {fresh}"
    )
