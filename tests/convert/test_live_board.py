"""Five epochs of Keras beside a virtual board: each is exact to LiteRT there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host_sdk import Device
from tests.convert.conftest import run

pytestmark = [pytest.mark.sim, pytest.mark.proof("convert")]


def test_a_training_beside_a_board(tensorflow: Path, tmp_path: Path) -> None:
    url = f"sim://cortex-m4?flash={tmp_path / 'flash'}"
    printed = run(tensorflow, "-m", "tests.convert.train_live", url).splitlines()
    measured = json.loads(printed[-1])
    tried = list(measured["tried"].values())
    assert [one["exact_samples"] for one in tried] == [100] * 5
    assert measured["history"] == [one["accuracy"] for one in tried]
    assert any(line.startswith("epoch 5: ") for line in printed)
    best = max(measured["history"])
    assert best > 0.75
    assert all(one["sent_bytes"] < 0.6 * one["size_bytes"] for one in tried[1:])
    with Device(url) as board:  # after a restart the last that stayed is there
        assert [one.name for one in board.models()] == ["live"]
