"""Two models and a script are one object: it runs, is switched, returns as one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host_sdk.bundle.bundle import Member, pack_bundle
from tests.sim.locked_board import COUNTED, lock, put_sealed
from tests.sim.machine import Machine, RefusedError
from tests.sim.test_trials import (
    ADDS_TWO_UNLESS_7,
    E_BLOB_GOLDEN,
    FAULT,
    START,
    TRIAL_S,
    adds,
    blob,
    last_event,
)

pytestmark = pytest.mark.sim

SCRIPT, BUNDLE = 2, 6
CAUSE_BUNDLE = 4

# Both models, a module and data of one version, by the names of the bundle; then for ever at work.
RUN = b"""
import xipnet, helper, sys
def one(name, x):
    with xipnet.Model('faces/' + name) as m:
        return bytes(m.run(bytes([x])))[0]
label = bytes(xipnet.store.read('faces/label')).decode()
print('version', helper.VERSION, label, open('/store/label').read(),
      one('net', 10), one('second', 10))
"""
LOOP = RUN + b"while True: pass\n"


def adder(n: int, expected: int | None = None, pad: int = 0) -> bytes:
    """Make a model that adds n, and says that 16 becomes `expected`."""
    return blob(adds(n), (b"\x10", bytes([expected or 16 + n])), pad)


def faces(version: int, main: bytes | None = RUN, second: bytes | None = None) -> bytes:
    """Make a bundle whose first model adds `version`, whose second one 10 more."""
    members = [
        Member("net", adder(version)),
        Member("second", second or adder(10 + version)),
        Member("helper.py", b"VERSION = %d\n" % version),
        Member("label", b"label%d" % version),
    ]
    return pack_bundle([*members, *([Member("main.py", main)] if main else [])])


def says(version: int) -> str:
    label = f"label{version}"
    return f"version {version} {label} {label} {10 + version} {20 + version}"


def put(machine: Machine, data: bytes, *how: object, name: str = "faces") -> Any:
    return machine.call("put_end", machine.upload(name, BUNDLE, data), True, *how)


def adds_now(machine: Machine) -> int:
    result: bytes = machine.call("run", 0, [b"\x20"])["result"]
    return result[0] - 0x20


@pytest.fixture(
    params=["mps2_an386", pytest.param("mps3_an547", marks=pytest.mark.proof("endurance"))]
)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    with Machine(request.param, tmp_path / "flash") as running:
        running.boot()
        yield running


# ---- Running -------------------------------------------------------------------------------------


def test_the_script_of_a_bundle_runs_at_once_and_at_each_start(machine: Machine) -> None:
    machine.put("main.py", SCRIPT, b"print('main of the store')")
    machine.put("helper.py", SCRIPT, b"VERSION = 'of the store'")
    assert put(machine, faces(1))["golden"]
    assert says(1) in machine.until()
    machine.restart()
    seen = machine.until()
    assert says(1) in seen
    assert "main of the store" not in seen  # it is of no version with these models
    assert machine.prompt("helper.VERSION, sys.path[-1]") == "(1, '/store')\n"
    machine.write(b"\x04")  # another life of Python
    assert says(1) in machine.until()


def test_without_a_script_the_stores_main_runs(machine: Machine) -> None:
    machine.put("main.py", SCRIPT, b"import helper\nprint('main of the store', helper.VERSION)")
    put(machine, faces(3, main=None))
    assert "main of the store 3" in machine.until()


def test_after_the_bundle_the_stores_main_runs_again(machine: Machine) -> None:
    machine.put("main.py", SCRIPT, b"print('main of the store')")
    put(machine, faces(1, LOOP))
    machine.until(says(1).encode())
    machine.call("rm", "faces")
    assert "main of the store" in machine.until()
    assert machine.call("hello", 1)["safe"] == 0


def test_it_runs_though_a_tool_left_the_prompt_in_its_raw_mode(machine: Machine) -> None:
    machine.write(b"\x01")
    machine.until(b"raw REPL; CTRL-B to exit\r\n>")
    put(machine, faces(1))
    assert says(1) in machine.until()


def test_safe_mode_holds_for_the_script_of_a_bundle(machine: Machine) -> None:
    put(machine, faces(1, LOOP))
    machine.until(says(1).encode())
    machine.restart(safe=True)
    assert says(1) not in machine.until()
    assert machine.call("hello", 1)["safe"] == 3
    assert adds_now(machine) == 1


def test_what_the_board_lists(machine: Machine) -> None:
    put(machine, faces(1, main=None))
    machine.until()
    listed = "[(o['name'], o['type'], o['version']) for o in xipnet.store.list()]"
    machine.prompt("import xipnet, os")
    assert machine.prompt(listed) == (
        "[('faces', 'bundle', 1), ('faces/net', 'blob', 1), ('faces/helper.py', 'script', 1), "
        "('faces/label', 'data', 1), ('faces/second', 'blob', 1)]\n"
    )
    names = machine.prompt("[o['name'] for o in xipnet.models()]")
    assert names == "['faces/net', 'faces/second']\n"
    assert "'faces/second'" in machine.prompt("os.listdir('/store')")
    assert machine.prompt("from faces import helper; helper.VERSION").endswith("1\n")


# ---- Switching -----------------------------------------------------------------------------------


def test_a_running_script_ends_and_that_of_the_next_version_begins(machine: Machine) -> None:
    put(machine, faces(1, LOOP))
    machine.until(says(1).encode())
    for version in (2, 3, 4, 5):  # more often than starts that do not settle may be
        put(machine, faces(version, LOOP))
        machine.until(says(version).encode())
        assert adds_now(machine) == version
    told = machine.call("hello", 1)
    assert (told["vm"]["cause"], told["safe"]) == (CAUSE_BUNDLE, 0)
    assert machine.call("rollback", "faces")["version"] == 4
    machine.until(says(4).encode())


def test_a_request_that_switches_ends_with_python(machine: Machine) -> None:
    put(machine, faces(1))
    machine.until(says(1).encode())
    machine.put("other", BUNDLE, faces(2, main=None))
    with pytest.raises(RefusedError, match="the bundle was switched"):
        machine.call("exec", "import xipnet, time; xipnet.activate('other'); time.sleep(100)")
    assert adds_now(machine) == 2


def test_a_golden_vector_of_the_second_model_refuses_the_whole(machine: Machine) -> None:
    put(machine, faces(1, LOOP))
    machine.until(says(1).encode())
    wrong = faces(2, LOOP, second=adder(12, expected=27))
    with pytest.raises(RefusedError, match="faces/second: ") as refusal:
        put(machine, wrong)
    assert refusal.value.args[0] == E_BLOB_GOLDEN
    told = machine.call("hello", 1)
    assert (adds_now(machine), told["vm"]["restarts"]) == (1, 1)  # its script still runs
    assert last_event(machine, "faces")["event"] == "refused"


# ---- Trials --------------------------------------------------------------------------------------


def test_a_restart_ends_the_trial_of_the_whole(machine: Machine) -> None:
    put(machine, faces(1, LOOP))
    machine.until(says(1).encode())
    assert put(machine, faces(2, LOOP), TRIAL_S, 0)["pending"]
    machine.until(says(2).encode())
    machine.restart()
    machine.until(says(1).encode())
    assert (adds_now(machine), machine.call("trial")) == (1, None)
    event = last_event(machine, "faces")
    assert (event["event"], event["reason"]) == ("returned", START)


def test_a_fault_of_the_second_model_ends_the_trial_of_the_whole(machine: Machine) -> None:
    put(machine, faces(1))
    machine.until(says(1).encode())
    faulting = blob(ADDS_TWO_UNLESS_7, (b"\x10", b"\x12"))
    main = RUN + b"@xipnet.rpc\ndef at_7():\n    one('second', 7)\n"
    assert put(machine, faces(2, main, second=faulting), TRIAL_S, 5)["pending"]
    machine.until(b"version 2 label2 label2 12 12")
    machine.until()
    assert machine.call("trial")["version"] == 2
    with pytest.raises(RefusedError):
        machine.call("call", "at_7", [], {})
    machine.until(says(1).encode())
    assert (adds_now(machine), machine.call("trial")) == (1, None)
    event = last_event(machine, "faces")
    assert (event["event"], event["reason"]) == ("returned", FAULT)


def test_a_confirmed_bundle_outlives_a_restart(machine: Machine) -> None:
    put(machine, faces(1))
    machine.until(says(1).encode())
    put(machine, faces(2), TRIAL_S, 0)
    machine.until(says(2).encode())
    machine.call("confirm", "faces")
    machine.restart()
    machine.until(says(2).encode())
    assert adds_now(machine) == 2


# ---- Locked --------------------------------------------------------------------------------------


def test_a_locked_board_runs_a_sealed_bundle_and_no_other(tmp_path: Path) -> None:
    with Machine("mps2_an386-lockable", tmp_path / "flash") as machine:
        machine.boot()
        put_sealed(machine, "faces", faces(1), BUNDLE, activate=True)
        machine.until(says(1).encode())
        machine.put("helper.py", SCRIPT, b"VERSION = 'not sealed'")
        lock(machine, COUNTED)
        machine.until(says(1).encode())  # Python starts again, with what is sealed
        with pytest.raises(RefusedError, match="no seal"):
            put(machine, faces(2))
        put_sealed(machine, "faces", faces(2), BUNDLE, counter=2, activate=True)
        machine.until(says(2).encode())
        assert machine.call("confirm", "faces") is None
        with pytest.raises(RefusedError, match="counter 1, limit 2"):
            put_sealed(machine, "faces", faces(1), BUNDLE, activate=True)
        machine.restart()
        machine.until(says(2).encode())
