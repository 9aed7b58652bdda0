"""docs/NETWORKS.md: what each network came to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.models.write_networks import FORMATS, NETWORKS
from tools import networks

TARGETS = {
    "cortex-m4": {"arena": 1024, "blob": 20480, "compared": True},
    "cortex-m55": {"arena": 2048, "blob": 18432, "compared": True},
}


def result(form: str, **found: Any) -> dict[str, Any]:
    return {"network": "gru", "format": form, "commit": "abc1234", **found}


def test_the_page_tells_what_each_network_came_to() -> None:
    text = networks.page(
        [
            result("int8", tensors=12, wrong=[], targets=TARGETS),
            result("float32", tensors=5, wrong=["y: 1 of 2 differ"], targets=TARGETS),
            result("16x8", refused=["2 ADD: 16 | bits", "1 MUL: 16 | bits"]),
            result("dynamic", missing="the converter crashed"),
        ],
        "2026-01-02",
    )
    assert "2 of 3 are taken; 1 of them exact" in " ".join(text.split())
    assert "| gru | int8 | exact | 12 | 1,024 / 2,048 | 20,480 / 18,432 |" in text
    assert "| gru | float32 | **1 differ** | 5 |" in text
    assert "| gru | 16x8 | refused: 16 / bits (2 ADD, 1 MUL) | | | |" in text
    assert "| gru | dynamic | not offered by the converter: the converter crashed | | | |" in text


def test_results_go_on_where_they_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "FOLDER", tmp_path)
    assert networks.missing("gru") == list(FORMATS)
    (tmp_path / "gru_int8.tflite").touch()
    (tmp_path / "gru_16x8.txt").touch()
    assert networks.missing("gru") == [form for form in FORMATS if form not in ("int8", "16x8")]
    networks.keep([result("int8"), result("float32")], "def5678")
    assert [(r["format"], r["commit"]) for r in networks.kept()] == [
        ("int8", "def5678"),
        ("float32", "def5678"),
    ]


def test_every_family_is_written() -> None:
    families = "mobilenet efficientnet resnet unet yolo ssd lstm gru tcn ds_cnn autoenc transformer"
    for family in families.split():
        assert any(name.startswith(family) for name in NETWORKS), family
