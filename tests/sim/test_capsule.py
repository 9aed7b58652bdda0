"""What a board kept of its runs gives the same bits here, and every tensor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from host_sdk import Device
from host_sdk.capsule.record import in_order, read_record
from host_sdk.capsule.replay import replay
from host_sdk.cli.main import main
from host_sdk.errors import InputError, PythonError
from tests.sim.conftest import EXAMPLES, example_model, infer_one

pytestmark = pytest.mark.sim

SLOTS, RUNS = 3, 5


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    with Device("sim://cortex-m55") as device:
        device.load_model(example_model("digits"))
        device.put(EXAMPLES / "on_device" / "capsule.py")
        device.exec("import capsule, xipnet\nmodel = xipnet.Model('digits')")
        yield device


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (1, 8, 8, 1), np.uint8)


def test_runs_come_back(board: Device, tmp_path: Path) -> None:
    board.exec(f"keeper = capsule.Capsule(model, 'odd', {SLOTS})")
    for i in range(RUNS - 1):
        board.exec(f"keeper.keep({picture(i).tobytes()!r}, captured_us={1000 + i})")
    # A new script goes on where the last one was.
    board.exec(f"keeper = capsule.Capsule(model, 'odd', {SLOTS})")
    board.exec(f"keeper.keep({picture(RUNS - 1).tobytes()!r}, captured_us={1000 + RUNS - 1})")

    names = [o.name for o in board.ls() if o.name.startswith("odd.")]
    assert sorted(names) == [f"odd.{i}" for i in range(SLOTS)]
    records = in_order(read_record(name, board.get(name)) for name in names)
    assert [r.sequence for r in records] == list(range(RUNS - SLOTS, RUNS))
    assert [r.captured_us for r in records] == [1000 + r.sequence for r in records]
    [digits] = (o for o in board.ls() if o.name == "digits")
    for run in replay(records, example_model("digits")):
        number = run.record.sequence
        assert run.record.inputs == (picture(number).tobytes(),)
        assert run.record.sha256 == digits.sha256
        assert run.is_same
        board_output = board.infer(picture(number), raw=True)
        assert isinstance(board_output, np.ndarray)
        np.testing.assert_array_equal(run.outputs[0], board_output)
        *others, last = run.tensors.values()
        np.testing.assert_array_equal(last.ravel(), board_output.ravel())
        assert others

    for name in names:
        (tmp_path / name).write_bytes(board.get(name))
    (tmp_path / "digits.bin").write_bytes(board.get("digits"))
    arguments = [str(tmp_path / "odd.0"), str(example_model("digits"))]
    shown = CliRunner().invoke(main, ["replay", *arguments, "--blob", f"{tmp_path}/digits.bin"])
    assert shown.exit_code == 0, shown.output
    assert "run 3 of blob" in shown.output
    assert "same bits" in shown.output
    wrong = CliRunner().invoke(main, ["replay", *arguments, "--blob", f"{tmp_path}/odd.1"])
    assert "must be the blob that ran" in wrong.output

    bad = bytearray(board.get("odd.0"))
    bad[-1] ^= 1
    (tmp_path / "odd.0").write_bytes(bad)
    shown = CliRunner().invoke(main, ["replay", *arguments])
    assert shown.exit_code == 1
    assert "1 values differ" in shown.output


def test_a_model_that_keeps_a_state_is_refused(board: Device) -> None:
    path = example_model("digits")
    head = {"head": "audio", "audio": {"window": 3, "threshold": 0.5, "refractory": 4}}
    board.load_model(path, "heard", head=head, activate=False)
    with pytest.raises(PythonError, match="heard keeps a state"):
        board.exec("with xipnet.Model('heard') as m: capsule.Capsule(m)")


def test_another_model_is_refused(board: Device) -> None:
    board.exec("capsule.Capsule(model, 'one', 1).keep(bytes(64))")
    record = read_record("one.0", board.get("one.0"))
    with pytest.raises(InputError, match="inputs must have"):
        list(replay([record], example_model("coins")))
    assert infer_one(board, np.zeros((1, 8, 8, 1), np.uint8)).size == 10
