"""The real firmware on a real terminal, whose speed both ends set."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from host_sdk import Device, NoResponseError
from tests.sim.ttys import SerialBoard, resample

pytestmark = [
    pytest.mark.sim,
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's pseudo-terminals"),
]

EMIT = "import xipnet; xipnet.emit('t', {})"
RESET = "import machine, xipnet\nxipnet.emit('t', 'last')\nmachine.reset()"


@pytest.fixture
def board(tmp_path: Path) -> Iterator[SerialBoard]:
    with SerialBoard("cortex-m4", tmp_path / "flash") as made:
        yield made


def test_another_speed_makes_other_bytes() -> None:
    assert resample(b"abc", 9600, 9600) == b"abc"
    assert resample(b"abc", 115200, 921600) != b"abc"
    assert resample(b"U" * 40, 921600, 921500) == b"U" * 40  # as clocks differ
    assert set(resample(b"abc", 115200, 3_000_000)) == {0}


@pytest.mark.parametrize("rate", [230400, 921600, "max"])
def test_both_ends_change(board: SerialBoard, rate: int | Literal["max"]) -> None:
    with Device(board.port, max_baud=rate) as device:
        high = device.baud
        assert board.bauds == (high, high)
        assert high == rate or (rate == "max" and high > 921600)
        assert device.eval("6 * 7") == 42
    assert board.bauds == (115200, 115200)


def test_a_restart_at_a_raised_speed_is_told_to_a_listener(board: SerialBoard) -> None:
    with Device(board.port, max_baud=921600) as device:
        stream = device.events("t")
        device._session.submit("exec", RESET)
        assert next(stream).value == "last"
        while stream.restarts == 0:
            assert next(device.events(timeout_s=0.1), None) is None
        assert board.bauds == (115200, 115200)
        device.exec(EMIT.format(5))
        assert next(stream).value == 5


@pytest.mark.slow
@pytest.mark.parametrize("rate", [230400, 921600, "max"])
def test_a_host_that_was_killed_at_a_raised_speed_comes_back(board: SerialBoard, rate: int) -> None:
    code = (
        "import os, signal, sys; from host_sdk import Device\n"
        f"device = Device({board.port!r}, max_baud={rate!r}); device.exec('x = 7')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert board.bauds[1] > 115200
    with Device(board.port, timeout_s=30) as device:
        assert device.eval("x") == 7
        assert board.bauds == (115200, 115200)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [115200, 921600])
def test_a_board_that_is_gone_is_told_to_a_listener(board: SerialBoard, rate: int) -> None:
    with Device(board.port, max_baud=rate) as device:
        stream = device.events()
        os.kill(board.process.pid, signal.SIGKILL)  # the terminal stays, as a USB adapter would
        with pytest.raises(NoResponseError, match="no reply to ping"):
            next(stream)
        assert device.baud == 115200
