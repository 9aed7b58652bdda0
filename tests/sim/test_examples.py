"""The examples that run on a board."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from host_sdk import Device
from tests.sim.conftest import EXAMPLES

pytestmark = pytest.mark.sim


def test_models_are_swapped_under_a_running_loop() -> None:
    command = [sys.executable, str(EXAMPLES / "ota_swap.py")]
    here = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, env=here)
    assert [int(v) for v in re.findall(r"PC: version (\d+) is active", run.stdout)] == [2, 3, 4]
    assert "check of 'reader' version 5 failed: it returned False" in run.stdout
    assert "PC: version 5 returned withdrawn by the host" in run.stdout
    counts = re.findall(r"[13]: (\d+)", run.stdout.splitlines()[-1])
    assert len(counts) == 2
    assert "board: stopped" in run.stdout


@pytest.mark.slow
def test_a_second_model_is_swapped_under_a_resident_loop() -> None:
    command = [sys.executable, str(EXAMPLES / "pipeline.py")]
    here = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, env=here)
    frames = [
        (int(n), m) for n, m in re.findall(r"frame (\d+), (\w+): (?:dark|bright|midd)", run.stdout)
    ]
    assert [model for _, model in frames] == ["shade2"] * 3 + ["shade3"] * 3
    told = re.search(r"frames (\d+) to (\d+), (\d+)", run.stdout)
    assert told
    first, last, count = map(int, told.groups())
    assert first == frames[2][0] + 1  # no frame is left out
    assert count == last - first + 1
    assert frames[3][0] == last + 2  # takewhile() has eaten the first of the new model
    assert run.stdout.endswith("0 events lost\n")


def test_a_board_is_locked_and_unlocked() -> None:
    command = [sys.executable, str(EXAMPLES / "locked_board.py")]
    here = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True, env=here)
    told = run.stdout.splitlines()
    assert told[0].startswith("locked: locked, the board's own key is from: ")
    assert told[1] == "its sealed script runs: sealed"
    assert told[2].endswith("[-90]")
    assert told[3].endswith("[-92]")
    assert told[4:] == ["attested: locked, 1 object, as listed", "unlocked until its next start"]


def test_a_drawn_digit_is_named_on_the_board() -> None:
    with Device("sim://cortex-m7") as board:
        board.load_model(EXAMPLES / "models/digits.tflite")
        shown = board.exec((EXAMPLES / "on_device/digits.py").read_text())
    assert shown.splitlines()[0].split()[0] == "2"
    assert re.search(r"in \d+ us", shown)
