"""Nothing keeps the Pico, in the emulator of its chip: no step, no builtin.

The emulator has no memory protection unit; what that adds is in test_contained_v6m.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from relocatable.blob.blob import Golden
from tests.sim.machine import RefusedError
from tests.sim.pico_machine import PicoMachine
from tests.sim.test_containment import (
    ADD_ONE,
    BLOB,
    E_DEADLINE,
    E_FAULT,
    ENDLESS,
    READ,
    RETURN,
    WRITE,
    blob_of,
)
from tests.sim.test_liveness import E_INTERRUPTED, SCRIPT

pytestmark = [pytest.mark.sim, pytest.mark.xdist_group("pico")]

NOTHING = struct.pack("<2H", 0x210E, 0x0709)  # movs r1, #14; lsls r1, #28: nothing is there
LIMIT_MS = 20
BUILTIN = "n = 20000; print('it runs'); sum(range(n))"
# As test_liveness.py's: what sort() calls has no jump.
SORT = (
    "Same = type('Same', (), {'__lt__': lambda self, other: True})\n"
    "print('it runs'); [Same() for i in range(300)].sort()"
)


@pytest.fixture(scope="module")
def machine(pico_firmware: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PicoMachine]:
    flash = tmp_path_factory.mktemp("pico") / "flash.bin"
    with PicoMachine("pico", flash, pico_firmware) as running:
        assert running.boot()["resets"] == 0
        running.put("good", BLOB, blob_of(ADD_ONE))
        yield running


def assert_well(machine: PicoMachine) -> None:
    assert machine.call("hello", 1)["boot"]["resets"] == 0
    machine.call("activate", "good")
    assert machine.call("run", 0, [b"a"])["result"] == b"b"


@pytest.mark.parametrize("access", [READ, WRITE], ids=["reads", "writes"])
def test_a_fault_costs_a_run(machine: PicoMachine, access: bytes) -> None:
    machine.put("bad", BLOB, blob_of(NOTHING + access + RETURN), activate=True)
    with pytest.raises(RefusedError, match="a step faulted: step 0 at 0x10") as refusal:
        machine.call("run", 0, [b"a"])
    assert refusal.value.args[0] == E_FAULT
    assert_well(machine)


def test_a_step_that_does_not_return(machine: PicoMachine) -> None:
    data = blob_of(ENDLESS, Golden(outputs=b"\x11", inputs=b"\x10"))
    session = machine.upload("bad", BLOB, data)
    ended = machine.request("put_end", session, True, 0, 0, LIMIT_MS)
    assert machine.call("ping", 7) == 7
    assert ended not in machine._replies
    with pytest.raises(RefusedError, match="time ran out: step 0 at 0x10") as refusal:
        machine.reply(ended)
    assert refusal.value.args[0] == E_DEADLINE
    assert_well(machine)


def test_urgent_requests_do_not_wait_for_a_builtin(machine: PicoMachine) -> None:
    ran = machine.request("exec", BUILTIN)
    machine.until(b"it runs")
    assert machine.call("ping", 7) == 7
    assert machine.call("hello", 1)["boot"]["resets"] == 0
    assert ran not in machine._replies  # the builtin is still at work
    assert machine.reply(ran) is None
    assert_well(machine)


def test_what_a_builtin_calls_is_interrupted(machine: PicoMachine) -> None:
    ran = machine.request("exec", SORT)
    machine.until(b"it runs")
    machine.call("interrupt")
    with pytest.raises(RefusedError) as refusal:
        machine.reply(ran)
    assert refusal.value.args[0] == E_INTERRUPTED
    machine.write(SORT.splitlines()[-1].encode() + b"\r")
    machine.until(b"\r\nit runs")
    machine.write(b"\x03")
    assert "KeyboardInterrupt" in machine.until()
    assert_well(machine)


def test_a_script_that_crashes_ends_in_safe_mode(machine: PicoMachine) -> None:
    machine.put("helper.py", SCRIPT, b"def twice(n): return 2 * n\n")
    machine.put("main.py", SCRIPT, b"import helper, machine\nmachine.reset()\n")
    machine.call("exec", "import helper")
    assert machine.call("eval", "helper.twice(21)") == 42
    machine.call("reset")
    machine.until(b"Safe mode, by crashes at start")
    told = machine.call("hello", 1)
    assert (told["safe"], told["boot"]["resets"]) == (2, 4)
    machine.call("exec", "import helper")
    assert machine.call("eval", "helper.twice(21)") == 42
