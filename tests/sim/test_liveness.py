"""Urgent requests are answered always, and nothing keeps the others for ever."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device_fw.boards import virtual_names
from host_sdk import Device
from host_sdk.errors import PythonRestartedError
from tests.sim.machine import Machine, RefusedError
from tests.sim.test_containment import ENDLESS, blob_of

pytestmark = pytest.mark.sim

BLOB, SCRIPT, DATA = 1, 2, 3
E_DEADLINE, E_INTERRUPTED, E_RESTARTED = -67, -81, -82
WAITED, DEAF = 1, 2
RESTART = "a restart of Python"
ONE = "mps2_an386"
BOARDS = [
    pytest.param(name, marks=() if name == ONE else pytest.mark.proof("endurance"))
    for name in virtual_names(vm=True)
]
PIECE = 3840
BYTES = random.Random(1).randbytes(100_000)

# Each runs for seconds or for ever, and does not reach the interpreter's loop.
BUILTINS = {
    "power": "n = 400000\n10**n",  # of constants the compiler would compute it
    "number as text": "str(1<<200000)",
    "regular expression": "import re\nre.match('(a|a)*b', 'a'*40)",
    "search": "(b'a'*400000).find(b'a'*200000+b'b')",
    "parser": "exec('('*5000)",
}
SAME = "Same = type('Same', (), {'__lt__': lambda self, other: True})"
SORT = f"{SAME}; [Same() for i in range(6000)].sort()"


@pytest.fixture(params=BOARDS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    with Machine(request.param, tmp_path / "flash") as running:
        running.boot()
        yield running


def state(machine: Machine) -> tuple[int, int, int]:
    """Ask for restarts of Python, the last one's cause, the board's resets."""
    told = machine.call("hello", 1)
    return told["vm"]["restarts"], told["vm"]["cause"], told["boot"]["resets"]


def start(machine: Machine, source: str) -> int:
    """Send a source, and wait until it runs; its request."""
    request = machine.request("exec", f"print('it', 'runs')\n{source}")
    machine.until(b"it runs")
    return request


def error_of(machine: Machine, request: int) -> Any:
    with pytest.raises(RefusedError) as refusal:
        machine.reply(request)
    return refusal.value.args[0]


def upload(machine: Machine) -> None:
    """Bring 100 KB to the board as a host does, a window full of requests at a time."""
    begun = machine.call("put_begin", "data", DATA, len(BYTES), hashlib.sha256(BYTES).digest())
    places = range(0, len(BYTES), PIECE)
    for first in range(0, len(places), 8):
        sent = [
            machine.request("put_data", begun["session"], at, BYTES[at : at + PIECE])
            for at in places[first : first + 8]
        ]
        for request in sent:
            assert machine.reply(request) is None
    machine.call("put_end", begun["session"])
    (held,) = [item for item in machine.call("ls") if item["name"] == "data"]
    assert held["sha256"] == hashlib.sha256(BYTES).digest()


# ---- Python --------------------------------------------------------------------------------------


@pytest.mark.few(2)
@pytest.mark.parametrize("source", BUILTINS.values(), ids=BUILTINS.keys())
def test_an_upload_does_not_wait_for_a_builtin(machine: Machine, source: str) -> None:
    resets = state(machine)[2]
    request = start(machine, source)
    assert machine.call("ping", 7) == 7
    assert machine.call("help", "ping") == "ping(x) -> x"
    assert state(machine) == (0, 0, resets)  # the builtin is still at work
    upload(machine)
    assert error_of(machine, request) == E_RESTARTED
    assert state(machine) == (1, WAITED, resets)
    assert machine.call("eval", "1+1") == 2
    machine.until(b"while a request waited")
    assert machine.prompt("6 * 7") == "42\n"


def test_what_a_builtin_calls_is_interrupted(machine: Machine) -> None:
    request = start(machine, SORT)
    upload(machine)
    machine.call("interrupt")
    assert error_of(machine, request) == E_INTERRUPTED
    assert state(machine)[0] == 0
    machine.write(f"print('it', 'runs'); {SORT}\r".encode())
    machine.until(b"it runs")
    machine.write(b"\x03")
    assert "KeyboardInterrupt" in machine.until()
    assert state(machine)[0] == 0


def test_an_interrupt_without_effect_ends_the_builtin(machine: Machine) -> None:
    request = start(machine, BUILTINS["power"])
    machine.call("interrupt")
    assert error_of(machine, request) == E_RESTARTED
    assert state(machine)[:2] == (1, DEAF)
    machine.until()
    machine.write(b"10**400000\r")
    machine.until(b"\r\n")
    machine.write(b"\x03")
    machine.until(b"an interrupt had no effect")
    assert machine.prompt("6 * 7") == "42\n"
    assert state(machine)[:2] == (2, DEAF)


def test_a_call_does_not_wait_for_a_builtin(machine: Machine) -> None:
    machine.put("main.py", SCRIPT, b"import xipnet\n@xipnet.rpc\ndef half(n): return n / 2\n")
    machine.call("reset")
    machine.notes.clear()
    machine.boot()
    request = start(machine, BUILTINS["power"])
    assert machine.call("call", "half", [4], {}) == 2  # main has run again
    assert error_of(machine, request) == E_RESTARTED


@pytest.mark.parametrize("source", [*BUILTINS.values(), SORT], ids=[*BUILTINS.keys(), "sort"])
def test_main_locks_nobody_out(machine: Machine, source: str) -> None:
    machine.put("main.py", SCRIPT, f"print('it', 'runs')\n{source}".encode())
    machine.call("reset")
    machine.notes.clear()
    machine.until(b"it runs")
    assert machine.call("ping", 7) == 7
    assert state(machine)[0] == 0
    if source == SORT:
        machine.write(b"\x03")
    assert machine.call("eval", "6 * 7") == 42
    assert machine.call("hello", 1)["safe"] == (0 if source == SORT else 4)
    machine.call("reset")
    machine.until(b"it runs")
    machine.notes.clear()
    machine.call("reset", True)
    assert machine.boot()["resets"] == 3
    assert machine.call("hello", 1)["safe"] == 3


def test_five_breaks_end_a_builtin_of_main(machine: Machine) -> None:
    machine.put("main.py", SCRIPT, f"print('it', 'runs')\n{BUILTINS['power']}".encode())
    machine.call("reset")
    machine.until(b"it runs")
    machine.write(b"\x03" * 5)
    machine.until(b"Safe mode, by a break")


def test_the_store_is_not_left_half_changed(machine: Machine) -> None:
    many = (
        "list(map(xipnet.store.write, ['x'] * 9999, [bytes([i]) * 9000 for i in range(99)] * 101))"
    )
    request = start(machine, f"import xipnet\n{many}")
    for _ in range(20):
        assert len(machine.call("ls")) <= 1
    assert state(machine)[0] == 0
    machine.call("interrupt")
    assert error_of(machine, request) in (E_RESTARTED, E_INTERRUPTED)
    (held,) = machine.call("ls")
    digest = hashlib.sha256()
    for at in range(0, held["size"], 2048):
        digest.update(machine.call("get", "x", at, 2048))
    assert digest.digest() == held["sha256"]


def test_a_long_text_is_not_a_builtin_that_hangs(machine: Machine) -> None:
    request = start(machine, "print('x' * 300000)")
    upload(machine)
    assert machine.reply(request) is None
    assert state(machine)[0] == 0


def test_device_says_that_python_was_restarted() -> None:
    with Device("sim://cortex-m4") as board:
        board.exec("kept = 1")
        board.put("main.py", BUILTINS["search"].encode())
        board.reset()
        assert board.eval("1 + 1") == 2
        assert board.info().safe == RESTART
        board.reset(safe=True)
        assert board.info().safe == "request"
        timer = threading.Timer(0.5, board.interrupt)
        timer.start()
        with pytest.raises(PythonRestartedError, match="Python was restarted"):
            board.exec(BUILTINS["search"])
        timer.join()
        assert board.info().python_restarts == 1


# ---- A full heap ---------------------------------------------------------------------------------

FILL = "big = []\nwhile True: big.append(bytes(16))"


def test_a_full_heap_is_emptied_by_a_line(machine: Machine) -> None:
    for _ in range(2):
        with pytest.raises(RefusedError, match="MemoryError"):
            machine.call("exec", FILL)
        for i in range(20):
            assert machine.call("eval", f"{i} + 1") == i + 1
        machine.call("exec", "import gc; gc.collect()")
        assert machine.call("eval", "gc.mem_free() < 10000")
        machine.call("exec", "del big")
        machine.call("exec", "gc.collect()")
        assert machine.call("eval", "gc.mem_free() > 500000")


def test_main_may_fill_the_heap(machine: Machine) -> None:
    caught = "try:\n  big = []\n  while True: big.append([])\nexcept MemoryError: print('full')\n"
    machine.put("main.py", SCRIPT, caught.encode())
    machine.call("reset")
    machine.until(b"full")
    assert machine.call("eval", "1 + 1") == 2
    machine.call("exec", "del big")
    assert machine.call("eval", "sum(range(1000))") == 499500


# ---- Models --------------------------------------------------------------------------------------


def test_urgent_requests_do_not_wait_for_a_step(machine: Machine) -> None:
    machine.put("endless", BLOB, blob_of(ENDLESS), activate=True)
    run = machine.request("run", 0, [b"a"])
    listed = machine.request("ls")
    assert machine.call("ping", 7) == 7
    assert state(machine)[2] == 0
    assert run not in machine._replies  # the step has its 10 s
    assert listed not in machine._replies
    assert error_of(machine, run) == E_DEADLINE
    assert machine.reply(listed)
    machine.request("run", 0, [b"a"])
    machine.notes.clear()
    machine.call("reset")
    assert machine.boot()["resets"] == 1


def test_a_golden_runs_limit_holds(machine: Machine) -> None:
    session = machine.upload("bad", BLOB, blob_of(ENDLESS))
    for limit_ms in (0, 60001, 2**32 - 1):
        with pytest.raises(RefusedError, match=f"at least 1, is {limit_ms}, limit 60000"):
            machine.call("put_end", session, True, 0, 0, limit_ms)
