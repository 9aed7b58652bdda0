"""The heads of examples/faces: what its package makes of the same outputs."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import numpy as np
import pytest

from relocatable.blob.host import HostModel
from relocatable.compile import build_blob, schedule
from relocatable.heads import load_head
from relocatable.targets import TARGETS
from tests.conftest import ROOT
from tests.make_graph import GraphBuilder

FACES = ROOT / "examples" / "faces"
SIDES = {"front": 128, "back": 256, "full_range": 192}
PICTURES = {"astronaut": 512, "group": 512}  # their sides, pixels
EXPECTED: dict[str, Any] = json.loads((FACES / "expected.json").read_text())


def post_processing(name: str, anchors: int) -> HostModel:
    """Compile the head behind a network that gives out its inputs."""
    b = GraphBuilder()
    b.input(1, SIDES[name], SIDES[name], 3, dtype="float32")
    outputs = (b.input(1, anchors, 16, dtype="float32"), b.input(1, anchors, 1, dtype="float32"))
    head = load_head(tomllib.loads((FACES / f"{name}.toml").read_text(encoding="utf-8")))
    program = schedule(b.graph(*outputs), head, [TARGETS["host"]])
    return HostModel(build_blob("faces", program, "size").pack())


@pytest.mark.parametrize("name", SIDES)
def test_faces_are_those_of_the_package_within_a_pixel(name: str) -> None:
    assert set(EXPECTED[name]) == set(PICTURES)
    with post_processing(name, EXPECTED[name]["group"]["anchors"]) as model:
        for picture, side in PICTURES.items():
            expected = EXPECTED[name][picture]
            codes = np.zeros((1, expected["anchors"], 16), np.float32)
            scores = np.full((1, expected["anchors"], 1), -9, np.float32)
            for at, (score, *code) in expected["outputs"].items():
                scores[0, int(at)], codes[0, int(at)] = score, code
            image = np.zeros((1, SIDES[name], SIDES[name], 3), np.float32)
            model.write_inputs([image, codes, scores])
            model.run(1)
            found: list[Any] = model.items(1)
            assert len(found) == len(expected["faces"])
            for face, wanted in zip(found, expected["faces"], strict=True):
                assert face.score == pytest.approx(wanted["score"], abs=1e-4)
                pixels = np.concatenate(face[2:]) * side
                box_and_points = np.clip([*wanted["box"], *wanted["points"]], 0, side)
                np.testing.assert_allclose(pixels, box_and_points, rtol=0, atol=0.05)
