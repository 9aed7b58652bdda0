"""`xipnet selftest` on every virtual board, and with its plug pulled."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import numpy as np
import pytest

from device_fw.boards import virtual_names
from host_sdk import Device
from host_sdk.selftest.bench import Bench
from host_sdk.selftest.link import test_speeds as try_speeds
from host_sdk.selftest.plug import Plug
from host_sdk.selftest.plug import test_plug as try_plug
from host_sdk.selftest.reference import reference_blob
from host_sdk.selftest.run import run_selftest
from relocatable.blob.cost import report
from tests.sim.conftest import PluggedBoard, example_model
from tests.sim.test_without_vm import TOML

pytestmark = pytest.mark.sim

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.few(1)
@pytest.mark.parametrize("name", [*virtual_names(), str(TOML)])  # that has sectors of 128 KB
def test_the_quick_test_passes(name: str) -> None:
    with Device(f"sim://{name}") as board:
        board.load_model(example_model("shade2"))  # the smallest board has room beside it
        report = run_selftest(board, quick=True)
        assert report.ok, "\n".join(report.lines())
        verdicts = [check.verdict for check in report.checks]
        assert verdicts.count("pass") >= 13
        assert [(m.name, m.active) for m in board.ls()] == [("shade2", True)]


def test_other_speeds_on_a_wire_that_bears_some() -> None:
    with Device("sim://netduinoplus2?baud=115200&limit=1000000") as board:
        bench = Bench(board, False, {})
        try_speeds(bench)
        *passed, others = bench.checks
        rates = ("230,400", "460,800", "921,600", "1,000,000")
        assert [c.name for c in passed] == [f"link: download at {rate} baud" for rate in rates]
        assert {c.verdict for c in passed} == {"pass"}
        assert (others.name, others.verdict) == ("link: other speeds", "-")
        assert others.note.startswith("1,500,000 does not come through")
        assert board.baud == 115200


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


@pytest.mark.parametrize(
    ("port", "compiled_for"),
    [
        ("cortex-m4", "cortex-m0plus"),
        ("cortex-m4", "cortex-m4, cortex-m33"),
        ("cortex-m7", "cortex-m7"),
        ("cortex-m55", "cortex-m55"),
    ],
)
def test_predictions_begin_at_what_is_counted(port: str, compiled_for: str) -> None:
    page = (ROOT / "docs" / "PREDICTIONS.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| {compiled_for} \| (\S+) \| (\S+) \| (\S+) \|$", page, re.MULTILINE)
    assert row is not None
    instructions, *sizes = (int(cell.replace(",", "")) for cell in row.groups())
    for cpu in compiled_for.split(", "):
        blob = reference_blob(cpu)
        assert [len(blob), report(blob).arena_bytes] == pytest.approx(sizes, rel=0.02)
    with Device(f"sim://{port}?icount=on") as board:
        board.load_model(reference_blob(compiled_for.partition(",")[0]), "reference")
        x = np.zeros(board.model().inputs[0].shape, np.int8)
        # An instruction is a nanosecond there.
        assert board.profile(x).us * 1000 == pytest.approx(instructions, rel=0.02)
