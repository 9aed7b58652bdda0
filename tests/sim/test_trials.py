"""After a wrong model the one before serves again; the history says why."""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relocatable.blob.blob import Blob, Entry, Golden, Io, Variant
from relocatable.targets.arm import FAMILY as CORTEX_M
from tests.sim.machine import Machine, RefusedError

pytestmark = pytest.mark.sim

E_BLOB_GOLDEN, E_VERSION, E_FAULT, E_DEADLINE = -46, -29, -66, -67
CAUSE_POWER = 0
STATUS, FAULT, DEADLINE, START, LATE, HOST = 1, 2, 3, 4, 5, 6
BLOB = 1
TRIAL_S = 1000  # longer than any test


def adds(n: int) -> bytes:
    """Thumb code that every Cortex-M runs: arena[16] = arena[0] + n; return 0."""
    return struct.pack("<6H", 0x6801, 0x780A, 0x3200 + n, 0x740A, 0x2000, 0x4770)


FAULTS = struct.pack("<3H", 0x2000, 0x6800, 0x4770)  # reads address 0
ENDLESS = struct.pack("<2H", 0xE7FE, 0x4770)
# The same as adds(2) where the input is not 7, else like FAULTS.
ADDS_TWO_UNLESS_7 = struct.pack(
    "<11H", 0x6801, 0x780A, 0x2A07, 0xD003, 0x3202, 0x740A, 0x2000, 0x4770, 0x2000, 0x6800, 0x4770
)


def blob(code: bytes, golden: tuple[bytes, bytes] | None = None, pad: int = 0) -> bytes:
    """Make a blob of one step: one byte in, one out; golden: (inputs, outputs)."""
    code = code.ljust(32, b"\0")
    variant = Variant(CORTEX_M.number, 60, 0, code, bytes(pad), (0,), 64, 64)
    vector = None if golden is None else Golden(outputs=golden[1], inputs=golden[0])
    made = Blob((variant,), (Io(0, 1),), (Io(16, 1),), (Entry(0, 1),), {"name": "n"}, vector)
    return made.pack()


GOOD = blob(adds(1), (b"\x10", b"\x11"))
NEXT = blob(adds(2), (b"\x10", b"\x12"))


def begin(machine: Machine, data: bytes, name: str = "net") -> int:
    """Send all of an upload but its end; its session."""
    begun = machine.call("put_begin", name, BLOB, len(data), hashlib.sha256(data).digest())
    for at in range(0, 0 if begun["have"] else len(data), 2048):
        machine.call("put_data", begun["session"], at, data[at : at + 2048])
    session: int = begun["session"]
    return session


def install(machine: Machine, data: bytes, *how: object) -> Any:
    return machine.call("put_end", begin(machine, data), True, *how)


def adds_now(machine: Machine) -> int:
    result: bytes = machine.call("run", 0, [b"\x20"])["result"]
    return result[0] - 0x20


def last_event(machine: Machine, name: str = "net") -> Any:
    events: list[Any] = []
    while part := machine.call("history", name, len(events)):
        events += part
    return events[-1]


@pytest.fixture(params=["mps3_an547", "mps2_an386"])
def flash(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    return request.param, tmp_path / "flash"


@pytest.fixture
def machine(flash: tuple[str, Path]) -> Iterator[Machine]:
    """Start a board on which GOOD is active."""
    with Machine(*flash) as running:
        running.boot()
        assert install(running, GOOD)["golden"]
        yield running


def test_a_golden_vector_that_fails(machine: Machine) -> None:
    with pytest.raises(RefusedError) as refusal:
        install(machine, blob(adds(2), (b"\x10", b"\x11")))
    assert refusal.value.args[0] == E_BLOB_GOLDEN
    assert adds_now(machine) == 1
    event = last_event(machine)
    assert (event["event"], event["reason"], event["detail"]) == ("refused", STATUS, E_BLOB_GOLDEN)
    assert event["text"].startswith("golden vector")


@pytest.mark.parametrize(
    ("code", "status", "reason", "text"),
    [
        (FAULTS, E_FAULT, FAULT, "fault"),
        (ENDLESS, E_DEADLINE, DEADLINE, "a step did not return in time"),
    ],
    ids=["faults", "hangs"],
)
def test_a_golden_run_that_does_not_end(
    machine: Machine, code: bytes, status: int, reason: int, text: str
) -> None:
    session = begin(machine, blob(code, (b"\x10", b"\x11")))
    with pytest.raises(RefusedError) as refusal:
        machine.call("put_end", session, True, 0, 0, 200)
    assert refusal.value.args[0] == status
    assert adds_now(machine) == 1
    event = last_event(machine)
    assert (event["event"], event["reason"], event["detail"]) == ("refused", reason, 0)
    assert event["text"] == text


def test_a_trial_that_is_confirmed(machine: Machine) -> None:
    done = install(machine, NEXT, TRIAL_S)
    assert (done["pending"], done["version"]) == (True, 2)
    told = machine.call("trial")
    assert (told["name"], told["version"], told["boots"]) == ("net", 2, 0)
    assert 0 < told["left_s"] <= TRIAL_S
    machine.call("confirm", "net")
    assert machine.call("trial") is None
    with pytest.raises(RefusedError) as refusal:
        machine.call("confirm", "net")
    assert refusal.value.args[0] == E_VERSION
    machine.call("reset")
    machine.boot()
    assert adds_now(machine) == 2
    assert last_event(machine)["event"] == "confirmed"


def test_a_trial_that_runs_out_of_time(machine: Machine) -> None:
    assert install(machine, NEXT, 1)["pending"]
    assert adds_now(machine) == 2
    deadline = time.monotonic() + 30
    while machine.call("trial") is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert adds_now(machine) == 1
    event = last_event(machine)
    assert (event["event"], event["version"], event["reason"]) == ("returned", 2, LATE)
    assert event["text"] == "not confirmed in time"


def test_a_board_that_restarts_during_a_trial(flash: tuple[str, Path]) -> None:
    with Machine(*flash) as first:
        first.boot()
        install(first, GOOD)
        install(first, NEXT, TRIAL_S, 1)  # one start is no harm
    with Machine(*flash) as second:
        assert second.boot()["cause"] == CAUSE_POWER
        assert adds_now(second) == 2
        assert second.call("trial")["boots"] == 0
    with Machine(*flash) as third:
        third.boot()
        assert adds_now(third) == 1
        event = last_event(third)
        assert (event["event"], event["reason"]) == ("returned", START)
        assert event["text"] == "the board restarted before it was confirmed"


def test_a_model_that_faults_during_its_trial(machine: Machine) -> None:
    install(machine, blob(ADDS_TWO_UNLESS_7, (b"\x10", b"\x12")), TRIAL_S, 5)
    assert adds_now(machine) == 2
    faults, next_one = (machine.request("run", 0, [x]) for x in (b"\x07", b"\x20"))
    with pytest.raises(RefusedError) as refusal:
        machine.reply(faults)
    assert refusal.value.args[0] == E_FAULT
    assert machine.reply(next_one)["result"] == b"\x21"  # of the model before
    event = last_event(machine)
    assert (event["event"], event["reason"], event["detail"]) == ("returned", FAULT, 0)


def test_rollback(machine: Machine) -> None:
    install(machine, NEXT)
    assert adds_now(machine) == 2
    assert machine.call("rollback", "net")["version"] == 1
    assert adds_now(machine) == 1
    assert last_event(machine)["reason"] == HOST
    with pytest.raises(RefusedError) as refusal:
        machine.call("rollback", "net")
    assert refusal.value.args[0] == E_VERSION
    states = {h["version"]: h["state"] for h in machine.call("held")}
    assert states == {1: 0, 2: 2}


def test_a_first_model_that_is_not_confirmed_leaves_none(flash: tuple[str, Path]) -> None:
    with Machine(*flash) as machine:
        machine.boot()
        install(machine, GOOD, TRIAL_S)
        machine.call("reset")
        machine.boot()
        assert machine.call("ls") == []
        assert last_event(machine)["event"] == "returned"


@pytest.mark.few(1)
def test_a_swap_loses_no_call_and_reports_its_pause(machine: Machine) -> None:
    pad = 200_000  # takes time to hash
    session = begin(machine, blob(adds(2), (b"\x10", b"\x12"), pad))
    before = [machine.request("run", 0, [b"\x20"]) for _ in range(3)]
    end = machine.request("put_end", session, True)
    after = [machine.request("run", 0, [b"\x20"]) for _ in range(4)]
    results = [machine.reply(i)["result"][0] - 0x20 for i in before + after]
    done = machine.reply(end)
    assert results == sorted(results)
    assert results[:3] == [1, 1, 1]
    assert 1 in results[3:]  # the old one served while the new one was checked
    assert done["pause_us"] > 0
    assert adds_now(machine) == 2


def test_inputs_that_were_written_are_handed_over(machine: Machine) -> None:
    session = begin(machine, NEXT)
    machine.call("in_write", 0, 0, b"\x30")
    machine.call("put_end", session, True)
    assert machine.call("run")["result"] == b"\x32"


def test_format_empties_the_store(machine: Machine) -> None:
    with pytest.raises(RefusedError):
        machine.call("format", "please")
    machine.call("format", "erase all")
    assert machine.call("ls") == machine.call("held") == []
    assert install(machine, GOOD)["version"] == 1
    wear = machine.call("wear")
    assert wear["max"] >= 1
    assert wear["bad"] == 0
