"""A person cut out of a picture: MediaPipe's selfie network, head `segment`.

The network is `selfie_segmentation.tflite` of the npm package `@mediapipe/selfie_segmentation`
(Apache-2.0; float16 weights, 256x256 RGB in, [1, 256, 256, 1] out: how likely a pixel is a
person's). It gets `skimage.data.astronaut()`.

    npm pack @mediapipe/selfie_segmentation@0.1.1675465747
    tar xzf mediapipe-selfie_segmentation-*.tgz package/selfie_segmentation.tflite
    python examples/heads/segment.py package/selfie_segmentation.tflite -o docs/heads/segment.png
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from host_sdk import mask_of
from relocatable import compile_model
from relocatable.blob.host import HostModel

HEAD = {
    "head": "segment",
    "labels": ["background", "person"],
    "segment": {"ignore": 0},
    "image": {"mean": 0.0, "std": 255.0},
}
SIDE = 256


def person_runs(model: Path, picture: Image.Image) -> list[Any]:
    """Find the runs of pixels of a picture of 256x256 that are a person's."""
    blob = compile_model(model, target="host", head=HEAD, optimize="size", golden=False)
    with HostModel(blob) as network:
        network.write_inputs([np.asarray(picture, np.float32)[None] / np.float32(255)])
        network.run(1)
        return network.items(1)


def main() -> None:
    from skimage import data

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("model", type=Path, help="selfie_segmentation.tflite")
    parser.add_argument("-o", "--output", type=Path, default=Path("segment.png"))
    args = parser.parse_args()
    picture = Image.fromarray(data.astronaut()).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    found = person_runs(args.model, picture)
    mask = mask_of(found, (SIDE, SIDE)) == 1
    pixels = np.asarray(picture)
    gray = np.asarray(picture.convert("L").convert("RGB"))
    cut = np.where(mask[..., None], pixels, (gray * 0.3 + np.array([0, 60, 90])).astype(np.uint8))
    both = Image.fromarray(np.concatenate([pixels, cut], 1))
    both.quantize(48).save(args.output, optimize=True)
    print(f"{len(found)} runs, {mask.mean():.1%} of the picture")


if __name__ == "__main__":
    main()
