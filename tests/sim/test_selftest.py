"""`xipnet selftest` on every virtual board, and with its plug pulled."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from device_fw.boards import virtual_names
from host_sdk import Device
from host_sdk.selftest.bench import Bench
from host_sdk.selftest.plug import Plug
from host_sdk.selftest.plug import test_plug as try_plug
from host_sdk.selftest.run import run_selftest
from tests.sim.conftest import PluggedBoard, example_model
from tests.sim.test_without_vm import TOML

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("name", [*virtual_names(), str(TOML)])  # that has sectors of 128 KB
def test_the_quick_test_passes(name: str) -> None:
    with Device(f"sim://{name}") as board:
        board.load_model(example_model("shade2"))  # the smallest board has room beside it
        report = run_selftest(board, quick=True)
        assert report.ok, "\n".join(report.lines())
        verdicts = [check.verdict for check in report.checks]
        assert verdicts.count("pass") >= 13
        assert [(m.name, m.active) for m in board.ls()] == [("shade2", True)]


@pytest.mark.parametrize("after_s", [0.3, 0.7])
def test_power_that_goes_loses_nothing(tmp_path: Path, after_s: float) -> None:
    flash = tmp_path / "flash"
    first = PluggedBoard(flash)
    plugs = [first]

    def pull() -> None:
        threading.Timer(after_s, first.qemu.close).start()

    def reopen() -> Device:
        plugs.append(PluggedBoard(flash))
        return Device(plugs[-1].transport)

    board = Device(first.transport)
    board.load_model(example_model("digits"))
    bench = Bench(board, True, {})
    try_plug(bench, Plug(pull, reopen))
    [check] = bench.checks
    assert check.verdict == "pass", check.note
    assert [o.name for o in bench.board.ls()] == ["digits"]
    bench.board.close()
    for plug in plugs:
        plug.transport.close()
