"""A head that nobody has heard of: one new folder, and its result can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relocatable.blob.blob import DETECTION_DTYPE, RESULT_DESCRIBED, Blob
from relocatable.blob.host import HostModel
from relocatable.blob.record import CLASSES, DETECTIONS, Record, RecordField
from relocatable.errors import BlobError
from relocatable.heads import find_heads
from tests.conftest import ROOT
from tests.dummy_head import MOST, compile_with_new_head, name_of

DIGITS = ROOT / "examples" / "models" / "digits.tflite"


@pytest.mark.heavy
def test_one_new_folder_is_a_head(tmp_path: Path) -> None:
    data = compile_with_new_head(tmp_path, DIGITS, "host")
    blob = Blob.unpack(data)
    assert [e.result for e in blob.entries] == [0, RESULT_DESCRIBED]
    assert "above" not in find_heads()
    with HostModel(data) as model:
        tensor = blob.metadata["inputs"][0]
        model.write_inputs([np.zeros(tensor["shape"], tensor["dtype"])])
        model.run(1)
        found: list[Any] = model.items(1)
        scores = _real(model)
    assert found[0]._fields == ("label", "score", "box", "places", "is_last")
    indices = np.flatnonzero(scores >= 0)[:MOST].tolist()
    assert len(indices) > 1
    assert [item.label for item in found] == [name_of(i) for i in indices]
    assert [item.score for item in found] == pytest.approx(scores[indices].tolist())
    assert [item.places for item in found] == [(i, -i, 300) for i in indices]
    assert {item.box for item in found} == {(0.0, 0.25, 1.0, 0.5)}
    assert {item.is_last for item in found} == {0}


def _real(model: HostModel) -> np.ndarray[Any, np.dtype[np.float32]]:
    info = model.blob.metadata["outputs"][0]
    stored = model.outputs()[0].reshape(-1).astype(np.float32)
    return np.asarray(np.float32(info["scale"]) * (stored - info["zero_point"]), np.float32)


def test_only_the_heads_room_names_a_head() -> None:
    for path in sorted((ROOT / "relocatable").rglob("*.[cph]*")):
        if "heads" in path.parts or path.suffix == ".pyc":
            continue
        text = path.read_text(encoding="utf-8")
        for kind in find_heads():
            assert f"heads/{kind}" not in text, path
            assert f"heads.{kind}" not in text, path
            assert f'"{kind}"' not in text, path


def test_each_head_has_its_page_example_and_picture() -> None:
    page = (ROOT / "docs" / "HEADS.md").read_text(encoding="utf-8")
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    for kind in find_heads():
        assert f"| [`{kind}`" in page or f", `{kind}`](" in page, kind  # its row of the table
        if kind == "own":  # whose page and example are others
            continue
        assert any(f"`{kind}`" in heading for heading in headings), kind
        assert f"](heads/{kind}.png)" in page, kind
        assert (ROOT / "docs" / "heads" / f"{kind}.png").exists(), kind
        assert (ROOT / "examples" / "heads" / f"{kind}.py").exists(), kind


# ---- Records -------------------------------------------------------------------------------------


def test_the_format_s_own_results_are_read_alike() -> None:
    item = np.array([(0.125, 0.25, 0.5, 1.0, 0.75, 3)], DETECTION_DTYPE)
    data = np.array([1, 0, 0, 0], np.uint32).tobytes() + item.tobytes()
    [found] = DETECTIONS.read_items(data, label="abcd".__getitem__)
    assert found == ("d", 0.75, (0.125, 0.25, 0.5, 1.0))
    [found] = DETECTIONS.read_items(data, place=lambda p: (p[0] * 8, p[1] * 100))
    assert found == ("3", 0.75, (1.0, 25.0, 4.0, 100.0))


@pytest.mark.parametrize("size", [1, 4, 15, 16, 23])
def test_a_count_that_does_not_fit_is_refused(size: int) -> None:
    with pytest.raises(BlobError, match="count must be at most 0; is 1"):
        CLASSES.read_items((b"\x01" + bytes(30))[:size])


@pytest.mark.parametrize(
    ("item_bytes", "field", "message"),
    [
        (4, RecordField("x", "float32", 4), "must lie in the 4 bytes of an item"),
        (8, RecordField("x", "float32", 2), "must be 4-aligned; is 2"),
        (6, RecordField("x", "float32", 0), "must be 4-aligned"),
        (4, RecordField("x", "int8", 0, 0), "must have 1 value or more; is 0"),
        (4, RecordField("class", "int8", 0), "must have a plain Python identifier"),
        (4, RecordField("_x", "int8", 0), "must have a plain Python identifier"),
        (4, RecordField("x y", "int8", 0), "must have a plain Python identifier"),
        (4, RecordField("x", "float32", 0, role="label"), "must hold integers to be a label"),
        (8, RecordField("x", "int32", 0, 2, "points"), "must hold float32 to be points"),
        (4, RecordField("x", "float32", 0, 1, "points"), "must hold x and y; is 1"),
        (1 << 16, RecordField("x", "int8", 0), "an item must have at most 65535 bytes"),
    ],
)
def test_a_field_that_cannot_be_read_is_refused(
    item_bytes: int, field: RecordField, message: str
) -> None:
    with pytest.raises(BlobError, match=message):
        Record(item_bytes, (field,))


def test_fields_have_different_names() -> None:
    with pytest.raises(BlobError, match="1 to 32 different fields"):
        Record(8, (RecordField("x", "int8", 0), RecordField("x", "int8", 1)))
    with pytest.raises(BlobError, match="1 to 32 different fields"):
        Record(8, ())
