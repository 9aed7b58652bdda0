"""Swaps wear all sectors alike, and the store's own counts say what the flash saw."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.flash_wear import build, measure

pytestmark = pytest.mark.xdist_group("powerloss")


@pytest.mark.parametrize(
    "swaps", [1500, pytest.param(10_000, marks=pytest.mark.proof("endurance"))]
)
def test_wear_is_even(tmp_path: Path, swaps: int) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    told = measure(build(tmp_path), 1 << 20, swaps)
    print(told)
    assert (told["counted_min"], told["counted_max"]) == (told["min"], told["max"])
    assert told["max"] <= 2 * told["min"]
    assert told["mount_bytes"] <= 8 * told["area_bytes"]
