"""Folders of samples."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from host_sdk import Device
from host_sdk.cli.validating import read_data
from host_sdk.collect.collection import Collection, acquisition, fields_of
from host_sdk.errors import InputError
from host_sdk.media.sound import read_wav, write_wav
from tests.unit.host_sdk.conftest import ADDED as N


def test_a_folder_holds_what_validate_reads(adder: Device, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.arange(0, 32000, 1000).astype(np.int16), 8000)
    items = list(adder.stream(tmp_path / "a.wav"))
    kept = Collection(tmp_path / "out", adder.model(), "3", 8000)
    for item in items[1:]:
        kept.add(item)
    kept.close()
    x, y = read_data(tmp_path / "out", None)
    assert y is not None
    assert y.tolist() == [3, 3, 3]
    for fed, item in zip(x["x"], items[1:], strict=True):
        np.testing.assert_array_equal(adder.infer(fed), item.result)
    assert adder.validate(x, y, reference="none").samples == 3
    seen = read_wav(tmp_path / "out" / "training" / "3.0000.wav")
    assert (seen.samples.tolist(), seen.rate_hz) == (items[1].x.tolist(), 8000)
    with (tmp_path / "out" / "samples.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["index"] for row in rows] == ["1", "2", "3"]
    assert np.array_equal(json.loads(rows[0]["result"])[0], items[1].result)
    info = json.loads((tmp_path / "out" / "info.labels").read_text(encoding="utf-8"))
    assert info["files"][0] == {
        "path": "training/3.0000.wav",
        "category": "training",
        "label": {"type": "label", "label": "3"},
    }
    assert {file["path"] for file in info["files"]} == {row["file"] for row in rows}


def test_other_arrays_are_in_the_acquisition_format(adder: Device, tmp_path: Path) -> None:
    kept = Collection(tmp_path / "out", adder.model(), "../odd name")
    path = kept.add(next(adder.stream([np.arange(N, dtype=np.int8)])))
    assert path == tmp_path / "out" / "training" / "_odd_name.0000.json"
    seen = json.loads(path.read_text(encoding="utf-8"))
    assert seen["payload"]["values"] == [[i] for i in range(N)]
    kept.close()
    assert read_data(tmp_path / "out", None)[1] is None  # no class of that name


def test_rows_of_sensors() -> None:
    payload = acquisition(np.array([[1, 2], [3, 4]]), 50)["payload"]
    assert payload["interval_ms"] == 20
    assert [sensor["name"] for sensor in payload["sensors"]] == ["x0", "x1"]
    assert payload["values"] == [[1, 2], [3, 4]]


def test_fields_of_outputs(adder: Device) -> None:
    fields = fields_of(next(adder.stream([np.array([0, 9, 0, 0, 0, 0, 0, 0], np.int8)])))
    assert fields["argmax"] == 1
    assert fields["index"] == 0


def test_a_folder_that_holds_something_is_left_alone(adder: Device, tmp_path: Path) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="must be empty; holds"):
        Collection(tmp_path, adder.model())
