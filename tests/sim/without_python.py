"""What firmware without MicroPython does on every board."""

from __future__ import annotations

import pytest

from host_sdk import Device
from tests.sim.conftest import example_model
from tests.sim.machine import Machine, RefusedError
from tests.sim.test_containment import RETURN, blob_of, r1

BLOB = 1
E_FAULT = -66


def try_a_trial_and_the_way_back(board: Device) -> None:
    """Confirm a model, roll it back; have a restart withdraw one that is on trial."""
    assert board.load_model(example_model("shade2"), "shade").version == 1
    assert board.load_model(example_model("shade3"), "shade", confirm="manual").version == 2
    trial = board.trial()
    assert trial is not None
    assert trial.version == 2
    board.confirm()
    assert board.rollback() == 1
    board.load_model(example_model("shade3"), "shade", confirm="manual")
    board.reset()
    assert board.info().boot.cause == "reset"
    assert board.model().version == 1
    assert board.history()[-1].why == "the board restarted before it was confirmed"
    board.rm("shade")


def try_to_leave_a_step(machine: Machine, address: int, access: bytes) -> None:
    """Touch an address in a step: its run ends, and "good" adds one as before."""
    machine.put("bad", BLOB, blob_of(r1(address) + access + RETURN), activate=True)
    with pytest.raises(RefusedError) as refusal:
        machine.call("run", 0, [b"a"])
    assert refusal.value.args[0] == E_FAULT
    assert f"address 0x{address:08x}" in refusal.value.args[1]
    machine.call("activate", "good")
    assert machine.call("run", 0, [b"a"])["result"] == b"b"
    assert machine.call("hello", 1)["boot"]["resets"] == 0
