"""Scripts in the store run at the start, are imported, lock nobody out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_sdk import Device, PythonError
from relocatable import compile_model
from tests.conftest import ROOT
from tests.sim.machine import Machine

pytestmark = pytest.mark.sim

SCRIPT = 2
SAFE = {0: None, 1: "a break", 2: "crashes at start", 3: "request"}

DATA = Path(__file__).parent / "data"
PY = (DATA / "inplace.py").read_bytes()
MPY = (DATA / "inplace.mpy").read_bytes()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Machine("mps3_an547", tmp_path / "flash") as running:
        running.boot()
        yield running


def put(machine: Machine, name: str, source: str | bytes) -> None:
    machine.put(name, SCRIPT, source.encode() if isinstance(source, str) else source)


LOOP = """
import xipnet
model, frame, n = xipnet.Model("coins"), bytes(160 * 160), 0
while True:
    model.run(frame, shape=(160, 160))
    n += 1
"""


def safe_mode(machine: Machine) -> str | None:
    return SAFE[machine.call("hello", 1)["safe"]]


# ---- At the start --------------------------------------------------------------------------------


def test_main_runs_at_the_start_and_its_names_stay(machine: Machine) -> None:
    put(machine, "boot.py", "print('boot runs')")
    put(machine, "main.py", "print('main runs')\nleft = 5")
    machine.restart()
    seen = machine.until()
    assert seen.index("boot runs") < seen.index("main runs")
    assert machine.prompt("left") == "5\n"
    machine.write(b"\x04")
    assert "main runs" in machine.until()
    assert safe_mode(machine) is None


def test_a_new_session_leaves_a_scripts_runs_alone(machine: Machine) -> None:
    model = ROOT / "examples" / "models" / "coins.tflite"
    machine.put("coins", 1, compile_model(model, target="cortex-m55", golden=False))
    put(machine, "main.py", LOOP)
    machine.restart()
    for session in range(20, 60):  # some come between the steps of a run
        machine.call("hello", session)
    runs = machine.call("eval", "n")
    later = (machine.call("eval", "n") for _ in range(100))
    assert any(n > runs for n in later)  # the loop goes on
    assert "ended the run" not in machine.text.decode()


def test_mpy_runs_at_the_start(machine: Machine) -> None:
    put(machine, "main.mpy", MPY)
    machine.restart()
    machine.until()
    assert machine.prompt("double(21), NAME") == "(42, 'bytecode in place')\n"


def test_a_script_that_raises_leaves_the_prompt(machine: Machine) -> None:
    put(machine, "main.py", "1/0")
    machine.restart()
    assert "ZeroDivisionError" in machine.until()
    assert safe_mode(machine) is None


# ---- Nobody is locked out ------------------------------------------------------------------------

LOCKS = {
    "loop": "while True: pass",
    "deaf loop": "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    "no memory": "all = []\nwhile True:\n"
    "  try:\n    while True: all.append(bytearray(2000))\n  except MemoryError: pass",
    "sleep": "import time\nwhile True: time.sleep(100)",
    "gc off": "import gc\ngc.disable()\nwhile True:\n  try: x = [0] * 10000\n  except: pass",
    "closed standard input": "import sys\nwhile True: sys.stdin.read(1)",
}


@pytest.mark.parametrize("source", LOCKS.values(), ids=LOCKS.keys())
def test_upload_and_reset_work_whatever_main_does(machine: Machine, source: str) -> None:
    put(machine, "main.py", source)
    machine.restart()
    time.sleep(0.3)
    assert machine.call("ping", 7) == 7
    put(machine, "other.py", "x = 1\n" * 1000)
    assert [o["name"] for o in machine.call("ls")] == ["main.py", "other.py"]
    put(machine, "main.py", "print('mended')")
    machine.restart()
    assert "mended" in machine.until()
    assert safe_mode(machine) is None


def test_asked_for_safe_mode_runs_no_script_once(machine: Machine) -> None:
    put(machine, "main.py", "print('main runs')")
    machine.restart(safe=True)
    seen = machine.until()
    assert "main runs" not in seen
    assert "Safe mode, by request: boot and main are not run." in seen
    assert safe_mode(machine) == "request"
    machine.restart()
    assert "main runs" in machine.until()


def test_breaks_at_the_start_enter_safe_mode(machine: Machine) -> None:
    put(machine, "main.py", LOCKS["deaf loop"])
    machine.request("reset")
    deadline = time.monotonic() + 30
    while b"Safe mode, by a break" not in machine.text:
        assert time.monotonic() < deadline
        machine.write(b"\x03")
        machine.pump()
        time.sleep(0.01)
    machine.until()
    assert safe_mode(machine) == "a break"


def test_breaks_that_a_script_does_not_heed_enter_safe_mode(machine: Machine) -> None:
    put(machine, "main.py", LOCKS["deaf loop"])
    machine.restart()
    time.sleep(0.5)
    machine.write(b"\x03" * 5)
    assert "Safe mode, by a break" in machine.until()


def test_one_break_interrupts_a_script_that_heeds_it(machine: Machine) -> None:
    put(machine, "main.py", "print('up')\nwhile True: pass")
    machine.restart()
    machine.until(b"up\r\n")
    machine.write(b"\x03")
    assert "KeyboardInterrupt" in machine.until()
    assert safe_mode(machine) is None
    for _ in range(10):
        machine.write(b"\x03")
        machine.until()
    assert machine.notes == []


CRASH = "import machine\nprint('crash')\nmachine.reset()"


def test_a_crash_loop_ends_in_safe_mode(machine: Machine) -> None:
    put(machine, "main.py", CRASH)
    machine.text = b""
    machine.request("reset")
    seen = machine.until(b"not run.\r\n")
    assert seen.count("crash\r\n") == 3
    assert "Safe mode, by crashes at start" in seen
    assert safe_mode(machine) == "crashes at start"
    put(machine, "main.py", "print('mended')")
    machine.restart()
    assert "mended" in machine.until()


def test_faults_in_main_end_in_safe_mode(machine: Machine) -> None:
    put(machine, "main.py", "import uctypes\nuctypes.bytes_at(0xEFFFF000, 4)")
    machine.text = b""
    machine.request("reset")
    assert "Safe mode, by crashes at start" in machine.until(b"not run.\r\n")


# ---- Import --------------------------------------------------------------------------------------


def test_import_from_the_store(machine: Machine) -> None:
    put(machine, "mylib.py", "def f(): return 'from the store'")
    put(machine, "pkg/__init__.py", "from pkg.part import g")
    put(machine, "pkg/part.py", "def g(): return 'from a package'")
    assert machine.prompt("import mylib; mylib.f()") == "'from the store'\n"
    assert machine.prompt("import pkg; pkg.g()") == "'from a package'\n"
    assert machine.prompt("mylib.__file__") == "'/store/mylib.py'\n"
    assert machine.prompt("import os; sorted(os.listdir('/store'))[0]") == "'mylib.py'\n"
    assert machine.prompt("open('/store/mylib.py').readline()").startswith('"def f()')
    assert "OSError: 30" in machine.prompt("open('/store/mylib.py', 'w')")
    assert "OSError: [Errno 2] ENOENT" in machine.prompt("open('/store/none')")
    assert machine.prompt("import sys; sys.path") == "['', '/lib', '/store']\n"


def test_mpy_executes_in_place_and_stays_until_the_vm_restarts(machine: Machine) -> None:
    put(machine, "fast.mpy", MPY)
    machine.prompt("import gc, xipnet, fast; gc.collect()")
    assert machine.prompt("fast.double(4), fast.NAME") == "(8, 'bytecode in place')\n"
    # The place of the bytecode is not given to others, though its name is gone.
    machine.call("rm", "fast.mpy")
    free = machine.call("hello", 1)["flash"]["free"]
    big = free // 2
    for i in range(4):
        machine.call("exec", f"xipnet.store.write('fill{i}', bytes(300000))")
    assert big > 0
    assert machine.prompt("fast.double(5), fast.NAME") == "(10, 'bytecode in place')\n"


def test_bytecode_in_place_takes_less_memory(machine: Machine) -> None:
    put(machine, "plain.py", PY)
    put(machine, "placed.mpy", MPY)
    with_files = (
        "import os; f = open('/copied.mpy', 'wb'); f.write(open('/store/placed.mpy', 'rb').read())"
    )
    machine.prompt(with_files + "; f.close()")
    machine.prompt("import gc")
    taken = {}
    for name in ("plain", "copied", "placed"):
        line = f"gc.collect(); n = gc.mem_alloc(); import {name}; gc.collect(); gc.mem_alloc() - n"
        taken[name] = int(machine.prompt(line))
    print(taken)
    assert taken["placed"] < taken["copied"] / 2
    assert taken["placed"] < taken["plain"] / 2


# ---- The SDK -------------------------------------------------------------------------------------


def test_device_puts_main_and_resets_safely() -> None:
    with Device("sim://cortex-m55") as board:
        board.put("main.py", b"print('main runs')\nx = 1")
        board.reset()
        assert board.info().safe is None
        assert board.eval("x") == 1
        board.reset(safe=True)
        assert board.info().safe == "request"
        with pytest.raises(PythonError, match="NameError"):
            board.eval("x")
