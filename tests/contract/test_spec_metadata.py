"""SPEC-blob.md section 7, metadata.py and xn_metadata_keys.h name the same keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relocatable import compile_model
from relocatable.blob.blob import Blob
from relocatable.blob.details import DETAIL_KEYS
from relocatable.blob.record import FIELD_DTYPES, KNOWN_RECORDS, ROLES
from relocatable.graph.graph import PORT_DTYPES
from tests.conftest import ROOT
from tests.dummy_head import compile_with_new_head
from tests.models.cluster import cluster

SECTION = (ROOT / "docs/SPEC-blob.md").read_text().split("\n## 7. ")[1].split("\n## ")[0]
KEYS_TEXT = (ROOT / "relocatable/blob/include/xn_metadata_keys.h").read_text()
GLUE = ROOT / "device_fw/micropython"
MODELS = ROOT / "examples/models"
CLUSTERED = ROOT / "tests/models/mnist_small_int8.tflite"


def spec_keys(heading: str) -> dict[str, bool]:
    """Key -> whether it may be absent, of the table under a heading of section 7."""
    part = SECTION.split(f"\n### {heading}\n")[1].split("\n### ")[0]
    return {key: bool(absent) for key, absent in re.findall(r"^\| `(\w+)`(\??) \|", part, re.M)}


def header_keys() -> set[str]:
    return set(re.findall(r'^#define XN_KEY_\w+ "(\w+)"$', KEYS_TEXT, re.M))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Every map of the metadata of three blobs, by its heading in the SPEC."""
    folder: Path = tmp_path_factory.mktemp("head")
    blobs = (
        compile_model(MODELS / "coins.tflite", target="cortex-m0plus", optimize="size"),
        compile_with_new_head(folder, MODELS / "digits.tflite", "cortex-m0plus"),
        compile_model(cluster(CLUSTERED.read_bytes()), target="cortex-m0plus", optimize="size"),
    )
    maps: dict[str, list[dict[str, Any]]] = {}
    for data in blobs:
        for heading, found in _maps(Blob.unpack(data).metadata):
            maps.setdefault(heading, []).append(found)
    return maps


def _maps(model: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "Model", {key: value for key, value in model.items() if key not in DETAIL_KEYS}
    yield "Details", {key: model[key] for key in DETAIL_KEYS}
    for port in (*model["inputs"], *model["outputs"]):
        yield "Port", port
    for tensor in model["tensors"]:
        yield "Tensor", tensor
    for step in model["steps"]:
        yield "Step", step
        for layer in step.get("layers", []):
            yield "Layer", layer
        for packed in step.get("packed", []):
            yield "Packed", packed
    if "image" in model:
        yield "Image", model["image"]
    for result in filter(None, model.get("results", [])):
        yield "Result", result
        for field in result["fields"]:
            yield "Field", field


@pytest.mark.heavy
def test_the_spec_names_what_is_written(written: dict[str, list[dict[str, Any]]]) -> None:
    assert set(written) == set(re.findall(r"^### (\w+)$", SECTION, re.M))
    for heading, maps in written.items():
        keys = spec_keys(heading)
        always = {key for key, may_be_absent in keys.items() if not may_be_absent}
        assert set().union(*maps) == set(keys), heading
        assert all(always <= set(found) for found in maps), heading


def test_the_firmware_looks_up_what_is_written() -> None:
    written_keys = {
        key for heading in re.findall(r"^### (\w+)$", SECTION, re.M) for key in spec_keys(heading)
    }
    assert header_keys() <= written_keys
    text = "".join(path.read_text() for path in GLUE.glob("*.c"))
    used = set(re.findall(r"XN_KEY_(\w+)", text))
    assert {name.lower() for name in used} == header_keys()
    calls = re.findall(r"\b(?:enter|value_at|number_at|read_by_channel|is_text)\(([^;]*?)\)", text)
    assert calls
    assert not [call for call in calls if '"' in call]


def test_known_records_agree() -> None:
    rows = re.findall(r"^\| (\d) \| (\d+) \| (.*) \|$", SECTION, re.M)
    assert len(rows) == len(KNOWN_RECORDS)
    for number, item_bytes, fields in rows:
        record = KNOWN_RECORDS[int(number)]
        assert int(item_bytes) == record.item_bytes
        stated = [tuple(f.replace("`", "").split()) for f in fields.split("; ")]
        assert stated == [
            (f.name, f.dtype, str(f.offset), str(f.count), f.role) for f in record.fields
        ]


def test_dtypes_and_roles_agree() -> None:
    part = SECTION.split("\n### Field\n")[1]
    dtype, role = (re.search(rf"^\| `{k}` \| (.*) \|$", part, re.M) for k in ("dtype", "role"))
    assert dtype
    assert role
    assert set(re.findall(r"`(\w+)`", dtype.group(1))) == set(FIELD_DTYPES)
    assert set(re.findall(r"`(\w+)`", role.group(1))) - {"labels"} == set(ROLES)
    firmware = (GLUE / "head.h").read_text()
    letters = re.search(r"enum xn_head_role \{(.*?)\}", firmware)
    assert letters
    assert dict(re.findall(r"XN_HEAD_(\w+) = '(.)'", letters.group(1))) == {
        role.upper(): role[0] for role in ROLES
    }
    assert len({role[0] for role in ROLES}) == len(ROLES)
    codes = set(re.findall(r'\{"(\w+)", \'\w\'\}', (GLUE / "metadata.c").read_text()))
    assert set(FIELD_DTYPES) <= codes == set(PORT_DTYPES) - {"bool"}
