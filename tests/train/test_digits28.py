"""A network of floats from its training to 1,000 pictures on a board."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from host_sdk.quantizing.schemes import SCHEMES
from tests.train.conftest import Run

pytestmark = [pytest.mark.sim, pytest.mark.proof("train")]


@pytest.fixture(scope="module")
def folder(script: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("digits28")
    script("examples/train_digits28.py", "--quick", "--output", made)
    return made


def test_a_thousand_pictures_on_a_board(folder: Path, xipnet: Run) -> None:
    data = folder / "digits28.npz"
    at = ("--port", "sim://cortex-m4", "--data", data, "--json")
    told = json.loads(xipnet("load", folder / "digits28.h5", *at))["validation"]
    classes, rows = told["classification"], told["rows"]
    assert (told["samples"], told["reference"], len(rows)) == (1000, "litert", 1000)
    pixels = np.load(data)["x"].astype(np.float32) / np.float32(255)
    assert told["inputs_sha256"] == sha256(pixels.tobytes()).hexdigest()
    assert classes["correct"] == classes["reference_correct"] > 920
    assert 0 < classes["label_error"] < 0.03
    assert classes["label_error"] == pytest.approx(np.mean([r["label_error"] for r in rows]))
    assert told["differences"][0]["max_abs"] < 1e-6


def test_eight_schemes_and_more_of_it(folder: Path, xipnet: Run) -> None:
    data = folder / "digits28.npz"
    arguments = ("quantize", folder / "digits28.h5", "--data", data, "--limit", "300", "--json")
    rows = {row["scheme"]: row for row in json.loads(xipnet(*arguments))}
    assert list(rows) == list(SCHEMES)
    assert len(rows) >= 8
    for row in rows.values():
        assert row["refused"] is None
        assert row["accuracy"] > rows["float32"]["accuracy"] - 0.03
    assert rows["int8"]["flash_bytes"] < 0.5 * rows["float32"]["flash_bytes"]
