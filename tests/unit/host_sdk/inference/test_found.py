"""What a head found, read by the description in the blob's metadata."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from host_sdk.errors import NoHeadError, ProtocolError
from host_sdk.inference.model import Model, make_model
from host_sdk.inference.picture import Letterbox
from host_sdk.inference.results import Detections, read_detections, read_found
from host_sdk.link.wire_map import WireMap

REPLY: dict[str, Any] = {"name": "m", "version": 1, "sha256": bytes(32), "arena": 64, "stack": 64}
PORT = {"name": "x", "shape": [1, 8, 8, 1], "dtype": "uint8"}
METADATA: dict[str, Any] = {
    "tensors": [{**PORT, "offset": 0}],
    "inputs": [{**PORT, "tensor": 0}],
    "outputs": [{**PORT, "tensor": 0}],
    "steps": [],
    "labels": ["nose"],
}
NOSES = {
    "item_bytes": 16,
    "fields": [
        {"name": "what", "dtype": "uint8", "offset": 13, "count": 1, "role": "label"},
        {"name": "at", "dtype": "float32", "offset": 0, "count": 2, "role": "points"},
        {"name": "size", "dtype": "int16", "offset": 8, "count": 2, "role": "value"},
    ],
}
RESULT = (
    np.array([1, 0, 0, 0], "<u4").tobytes()
    + np.array([0.5, 0.25], "<f4").tobytes()
    + np.array([-3, 300, 0, 0], "<i2").tobytes()
)


def model(*results: int, described: object = None) -> Model:
    """Make a model with entries of these results."""
    reply: Any = {**REPLY, "entries": [{"result": r} for r in results]}
    metadata: Any = METADATA if described is None else {**METADATA, "results": described}
    return make_model(WireMap(reply, "model"), WireMap(metadata, "metadata"))


def test_fields_are_read_as_described() -> None:
    noses = model(0, 3, described=[None, NOSES])
    assert noses.head()[0] == 1
    [item] = read_found(RESULT, noses, None)
    assert item == ("nose", (0.5, 0.25), (-3, 300))
    assert item._asdict()["at"] == (0.5, 0.25)  # type: ignore[attr-defined]


def test_points_are_mapped_into_the_picture() -> None:
    letterbox = Letterbox((80, 40), (8, 8))
    [item] = read_found(RESULT, model(0, 3, described=[None, NOSES]), letterbox)
    assert item[1] == (40.0, 0.0)


def test_older_blobs_have_the_format_s_own_records() -> None:
    assert [record is None for record in model(0, 1).records] == [True, False]
    [item] = read_found(
        np.array([1, 0, 0, 0], "<u4").tobytes() + np.array([0, 0x3F000000], "<u4").tobytes(),
        model(0, 2),
        None,
    )
    assert item == ("nose", 0.5)


def face_record(**changed: object) -> dict[str, object]:
    """Describe items with label, score, box and two eyes; change the score's field."""
    score = {"name": "score", "dtype": "float32", "offset": 16, "count": 1, "role": "value"}
    return {
        "item_bytes": 40,
        "fields": [
            {"name": "label", "dtype": "int32", "offset": 20, "count": 1, "role": "label"},
            score | changed,
            {"name": "box", "dtype": "float32", "offset": 0, "count": 4, "role": "points"},
            {"name": "eyes", "dtype": "float32", "offset": 24, "count": 4, "role": "points"},
        ],
    }


def face(*values: float) -> bytes:
    """Make the result of one item: corners, score, label 0, four coordinates."""
    return np.array([1, 0, 0, 0], "<u4").tobytes() + np.array(values, "<f4").tobytes()


def test_what_has_label_score_and_box_is_a_detection_with_its_points() -> None:
    faces = model(0, 3, described=[None, face_record()])
    assert faces.detector()[0] == 1
    letterbox = Letterbox((80, 40), (8, 8))
    data = face(0.25, 0.5, 0.5, 0.75, 0.5, 0.0, 0.25, 0.5, -7.0, np.inf)
    [found] = read_detections(data, faces, letterbox)
    assert (found.label, found.score, found.box) == ("nose", 0.5, (20, 20, 40, 40))
    assert found.points == {"eyes": ((20, 20), (0, 40))}
    assert hash(found)
    shown = Detections([found], Image.new("RGB", (80, 40)), 0)
    assert shown.to_json()[0]["points"] == {"eyes": ((20, 20), (0, 40))}
    assert shown.draw().getpixel((20, 20)) == (0x56, 0xB4, 0xE9)
    assert read_detections(face(0, 0, 1, 1, 0.5, 0, np.nan, 0, 0, 0), faces, letterbox) == []


@pytest.mark.parametrize(
    "changed", [{"name": "value"}, {"dtype": "int32"}, {"dtype": "int32", "role": "label"}]
)
def test_items_without_a_score_are_no_detections(changed: dict[str, object]) -> None:
    with pytest.raises(NoHeadError, match="'m' gives no detections"):
        model(0, 3, described=[None, face_record(**changed)]).detector()


@pytest.mark.parametrize("seen", [model(0), model(0, 3), model(0, 9)])
def test_a_head_that_is_none_or_not_described_is_refused(seen: Model) -> None:
    with pytest.raises(NoHeadError, match="model 'm' has no head"):
        seen.head()


@pytest.mark.parametrize("described", [3, [], [None], [None, 5], [None, {**NOSES, "fields": []}]])
def test_a_wrong_description_is_a_protocol_error(described: object) -> None:
    with pytest.raises(ProtocolError):
        model(0, 3, described=described)


def test_a_wrong_count_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="count must be at most 0; is 1"):
        read_found(RESULT[:-1], model(0, 3, described=[None, NOSES]), None)
