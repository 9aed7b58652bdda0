"""The firmware on the three virtual boards: prompt, frames, faults, flash."""

from __future__ import annotations

import contextlib
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device_fw.boards import board_for_cpu, load_board, virtual_names
from host_sdk.store.board_space import space_of
from relocatable.blob.blob import Blob, Entry, Io, Variant
from relocatable.targets.arm import FAMILY as CORTEX_M
from tests.sim.machine import Machine, RefusedError

pytestmark = pytest.mark.sim

E_BUSY, E_NO_MODEL, E_PYTHON, E_INTERRUPTED = -5, -60, -80, -81
TYPE_BLOB = 1
CAUSE_POWER, CAUSE_RESET, CAUSE_FAULT = 0, 1, 2
ADDRESS_OF_NOTHING = 0xEFFFF000

# Thumb code that every Cortex-M runs. arena[16] = arena[0] + 1; return 0.
ADD_ONE = struct.pack("<6H", 0x6801, 0x780A, 0x3201, 0x740A, 0x2000, 0x4770)


def blob_of(*steps: bytes) -> bytes:
    """Make a blob whose steps are machine code: one input byte, one output byte."""
    code = b"".join(step.ljust(16, b"\0") for step in steps)
    offsets = tuple(range(0, len(code), 16))
    variant = Variant(CORTEX_M.number, 60, 0, code, b"", offsets, 64, 64)
    entry = Entry(0, len(steps))
    return Blob((variant,), (Io(0, 1),), (Io(16, 1),), (entry,), {"name": "by hand"}).pack()


@pytest.fixture(scope="module", params=virtual_names(vm=True))
def board(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def machine(board: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with Machine(board, tmp_path_factory.mktemp(board) / "flash") as running:
        assert running.boot()["cause"] == CAUSE_POWER
        yield running


def test_prompt_computes(machine: Machine) -> None:
    assert machine.prompt("2**70 + 1, 7 / 2") == "(1180591620717411303425, 3.5)\n"


def test_hello_says_what_the_board_is(machine: Machine, board: str) -> None:
    told = machine.call("hello", 1)
    facts = load_board(board)
    assert (told["board"], told["cpu"]) == (facts.name, facts.cpu)
    assert told["flash"]["size"] == facts.flash_bytes - facts.files_bytes
    assert told["micropython"] == "1.25.0"
    space = space_of(facts)
    assert (told["arena"], told["stack"]) == (space.arena_bytes, space.stack_bytes)
    assert told["flash"]["free"] == space.object_bytes
    assert board_for_cpu(told["cpu"]) == facts


def test_text_never_holds_a_zero_byte(machine: Machine) -> None:
    assert machine.prompt("print('a\\0b')") == "ab\n"
    assert machine.call("ping", 1) == 1


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("[1, (2, -3), {'k': None, 5: True}]", [1, [2, -3], {"k": None, 5: True}]),
        ("2**64 - 1", 2**64 - 1),
        ("-2**63", -(2**63)),
        ("0.5", 0.5),
        ("b'\\0\\xff'", b"\0\xff"),
        ("bytearray(b'ab')", b"ab"),
        ("'\\u20ac\\0'", "\u20ac\0"),
    ],
)
def test_eval_returns_the_value(machine: Machine, source: str, value: object) -> None:
    assert machine.call("eval", source) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1/0", "ZeroDivisionError: divide by zero"),
        ("object()", "TypeError: msgpack cannot carry object"),
        ("1 +", "SyntaxError: invalid syntax"),
    ],
)
def test_eval_refuses_in_words(machine: Machine, source: str, message: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        machine.call("eval", source)
    assert refusal.value.args[:2] == (E_PYTHON, message)
    assert message in refusal.value.args[2]


def test_an_exception_that_raises_when_printed_is_answered(machine: Machine) -> None:
    nasty = "class E(Exception):\n  def __repr__(self): raise ValueError\n  __str__ = __repr__\n"
    with pytest.raises(RefusedError) as refusal:
        machine.call("exec", nasty + "raise E()")
    assert refusal.value.args[:2] == (E_PYTHON, "E that cannot be printed")


def test_interrupts_at_the_prompt_do_nothing(machine: Machine) -> None:
    for _ in range(20):
        quick = machine.request("exec", "pass")
        machine.write(b"\x03")
        machine.call("interrupt")
        with contextlib.suppress(RefusedError):
            machine.reply(quick)
    assert machine.prompt("1 + 1") == "2\n"
    assert machine.notes == []


def test_exec_shares_main_and_prints_as_text(machine: Machine) -> None:
    machine.text = b""
    machine.call("exec", "shared = 41\nprint('from the wire')")
    machine.until(b"from the wire\r\n")
    assert machine.prompt("shared + 1") == "42\n"


def test_frames_are_answered_while_a_script_runs(machine: Machine) -> None:
    machine.write(b"while True: pass\r\r")
    time.sleep(0.2)
    assert [machine.call("ping", i) for i in range(20)] == list(range(20))
    machine.call("exec", "nested = 1")
    assert machine.call("eval", "nested + 1") == 2
    machine.call("interrupt")
    assert "KeyboardInterrupt" in machine.until()


def test_a_request_is_answered_while_another_sleeps(machine: Machine) -> None:
    slow = machine.request("exec", "import time\ntime.sleep(30)")
    assert machine.call("ping", 1) == 1
    with pytest.raises(RefusedError) as refusal:
        machine.call("eval", "1")
    assert refusal.value.args[0] == E_BUSY
    machine.call("interrupt")
    with pytest.raises(RefusedError) as refusal:
        machine.reply(slow)
    assert refusal.value.args[0] == E_INTERRUPTED


def test_control_c_stops_a_sleep(machine: Machine) -> None:
    machine.write(b"import time; print('now'); time.sleep(60)\r")
    machine.until(b"now\r\n")
    machine.write(b"\x03")
    assert "KeyboardInterrupt" in machine.until()


def test_soft_reset_forgets_and_goes_on(machine: Machine) -> None:
    machine.prompt("gone = 1")
    machine.text = b""
    machine.write(b"\x04")
    assert "soft reboot" in machine.until()
    assert "NameError" in machine.prompt("gone")
    assert machine.call("ping", 2) == 2


def test_time_passes_at_the_right_pace(machine: Machine) -> None:
    measure = "import time\nt = time.ticks_us()\ntime.sleep_ms(%d)\nd = time.ticks_us() - t"
    for ms in (3, 100):
        machine.call("exec", measure % ms)
        assert ms * 1000 <= machine.call("eval", "d") < ms * 1000 + 100_000


def test_a_model_runs_from_python(machine: Machine) -> None:
    with pytest.raises(RefusedError, match="no model is active"):
        machine.call("eval", "__import__('xipnet').run(b'a')")
    machine.put("one", TYPE_BLOB, blob_of(ADD_ONE), activate=True)
    machine.put("two", TYPE_BLOB, blob_of(ADD_ONE, ADD_ONE))
    machine.prompt("import xipnet")
    assert machine.call("eval", "[m['name'] for m in xipnet.models() if m['active']]") == ["one"]
    assert machine.call("eval", "xipnet.run(b'a')") == b"b"
    machine.call("exec", "m = xipnet.Model('two')\nm.inputs[0][0] = 65\nr = m.run()")
    assert machine.call("eval", "r, bytes(m.outputs[0])") == [b"B", b"B"]
    with pytest.raises(RefusedError, match="input 0 must have 1 bytes; has 2"):
        machine.call("eval", "m.run(b'ab')")
    with pytest.raises(RefusedError, match="no such entry"):
        machine.call("eval", "m.detect(b'a')")


def test_arenas_come_back(machine: Machine) -> None:
    machine.prompt("import xipnet")
    machine.put("two", TYPE_BLOB, blob_of(ADD_ONE, ADD_ONE))
    # Small arenas may lie in what a large one could not use: many of them cost something.
    free = "xipnet.info()['arena_free']"
    several = "models = [xipnet.Model('two') for i in range(6)]"
    before = machine.call("eval", free)
    machine.call("exec", f"{several}\nheld = {free}\nfor m in models: m.close()")
    assert machine.call("eval", free) == before > machine.call("eval", "held")
    machine.call("exec", f"with xipnet.Model('two') as m: held = {free}")
    assert machine.call("eval", free) == before >= machine.call("eval", "held")
    with pytest.raises(RefusedError, match="the model is closed"):
        machine.call("eval", "m.run(b'a')")
    # More than the pool has places for: those that nothing refers to are collected.
    machine.call("exec", "for i in range(30): assert xipnet.Model('two').run(b'a') == b'b'")


def test_flash_keeps_the_rules_of_nor(machine: Machine) -> None:
    machine.call("exec", "import machine\nf = machine.Flash()\nbuf = bytearray(4)")
    last = machine.call("eval", "f.ioctl(4, 0)") - 1
    assert machine.call("eval", "f.ioctl(5, 0)") == 4096
    assert machine.call("eval", f"f.ioctl(6, {last})") == 0
    assert machine.call("eval", f"f.writeblocks({last}, b'\\x0f\\xf0', 256)") == 0
    machine.call("eval", f"f.readblocks({last}, buf, 255)")
    assert machine.call("eval", "buf") == b"\xff\x0f\xf0\xff"
    assert machine.call("eval", f"f.writeblocks({last}, b'\\x00', 256)") == -5
    assert machine.call("eval", f"f.writeblocks({last}, b'\\xff\\xff\\x01', 256)") == 0
    with pytest.raises(RefusedError, match="EINVAL"):
        machine.call("eval", f"f.readblocks({last}, buf, 4093)")


def test_mpremote_works_on_the_same_port(machine: Machine, tmp_path: Path) -> None:
    script, copy = tmp_path / "script.py", tmp_path / "copy.py"
    script.write_text("print('a file ran')\n" + "# much text\n" * 200)
    machine.disconnect()
    try:
        assert mpremote(machine, "exec", "print(6 * 7)") == "42\n"
        assert mpremote(machine, "run", str(script)) == "a file ran\n"
        mpremote(
            machine, "fs", "cp", str(script), ":kept.py", "+", "fs", "cp", ":kept.py", str(copy)
        )
        assert copy.read_text() == script.read_text()
        assert mpremote(machine, "soft-reset", "exec", "import kept") == "a file ran\n"
        mpremote(machine, "fs", "rm", ":kept.py")
    finally:
        machine.connect()
    machine.write(b"\r\x02")
    machine.until()
    assert machine.call("ping", 3) == 3


def mpremote(machine: Machine, *arguments: str) -> str:
    command = [sys.executable, "-m", "mpremote", "connect", f"socket://127.0.0.1:{machine.port}"]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_reset_says_so(machine: Machine) -> None:
    before = machine.call("hello", 1)["boot"]["resets"]
    machine.call("reset")
    report = machine.boot()
    assert (report["cause"], report["resets"]) == (CAUSE_RESET, before + 1)


def test_a_fault_is_reported_and_the_board_comes_back(machine: Machine) -> None:
    machine.call("hello", 1)
    machine.prompt("import uctypes")
    machine.write(f"uctypes.bytes_at({ADDRESS_OF_NOTHING}, 4)\r".encode())
    report = machine.boot()
    assert (report["cause"], report["fault_step"]) == (CAUSE_FAULT, -1)
    assert report["address"] == ADDRESS_OF_NOTHING
    assert machine.call("hello", 2)["boot"] == report


def test_flash_survives_a_killed_board(board: str, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    with Machine(board, flash) as first:
        first.boot()
        first.put("one", TYPE_BLOB, blob_of(ADD_ONE), activate=True)
        first.call("exec", "with open('note.txt', 'w') as f: f.write('kept')")
    with Machine(board, flash) as second:
        assert second.boot()["cause"] == CAUSE_POWER
        assert second.call("run", 0, [b"a"])["result"] == b"b"
        assert second.call("eval", "open('note.txt').read()") == "kept"


def test_start_up_scripts_run(board: str, tmp_path: Path) -> None:
    with Machine(board, tmp_path / "flash") as machine:
        machine.boot()
        machine.call("exec", "with open('main.py', 'w') as f: f.write('import os\\nstarted = 7')")
        machine.call("reset")
        machine.boot()
        assert machine.call("eval", "started") == 7
