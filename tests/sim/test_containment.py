"""What a model's code does wrong costs its run and nothing else.

The scan of code would refuse most of these programs: they run on a firmware without it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from device_fw.boards import load_board, virtual_names
from relocatable.blob.blob import Blob, Entry, Golden, Io, Variant
from relocatable.targets.arm import FAMILY as CORTEX_M
from tests.sim.machine import Machine, RefusedError
from tests.sim.unscanned import unscanned_firmware

pytestmark = pytest.mark.sim

E_CODE, E_STEP, E_FAULT, E_DEADLINE = -49, -63, -66, -67
BLOB = 1
LIMIT_MS = 100

RETURN = struct.pack("<2H", 0x2000, 0x4770)  # movs r0, #0; bx lr
MOVE_R1, LEAVE = struct.pack("<H", 0x4608), struct.pack("<H", 0x4770)  # mov r0, r1; bx lr
ADD_ONE = struct.pack("<4H", 0x6801, 0x780A, 0x3201, 0x740A) + RETURN  # arena[16] = arena[0] + 1
READ, WRITE = struct.pack("<H", 0x680A), struct.pack("<H", 0x600A)  # ldr r2, [r1]; str r2, [r1]
JUMP = struct.pack("<H", 0x4708)  # bx r1
ARENA = struct.pack("<H", 0x6801)  # ldr r1, [r0]
ENDLESS = struct.pack("<H", 0xE7FE)

FIRMWARE, FIRMWARE_RAM, PERIPHERAL, SYSTEM = 0x400, 0x20010900, 0x40004000, 0xE000ED00
NOTHING = 0xEFFFF000


def r1(value: int) -> bytes:
    """movw r1, #low; movt r1, #high"""
    code = b""
    for base, half in ((0xF240, value & 0xFFFF), (0xF2C0, value >> 16)):
        first = base | half >> 11 << 10 & 0x400 | half >> 12
        code += struct.pack("<2H", first, (half >> 8 & 7) << 12 | 1 << 8 | half & 0xFF)
    return code


def blob_of(code: bytes, golden: Golden | None = None) -> bytes:
    code = code.ljust((len(code) + 15) // 16 * 16, b"\0")
    variant = Variant(CORTEX_M.number, 60, 0, code, b"", (0,), 64, 64)
    made = Blob((variant,), (Io(0, 1),), (Io(16, 1),), (Entry(0, 1),), {"name": "n"}, golden)
    return made.pack()


@pytest.fixture(scope="module", params=virtual_names(vm=True))
def machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("flash")
    firmware = unscanned_firmware(request.param, folder)
    with Machine(request.param, folder / "flash", firmware) as running:
        running.boot()
        running.put("good", BLOB, blob_of(ADD_ONE))
        yield running


def refusal_of(machine: Machine, code: bytes) -> tuple[int, str]:
    """How a run of the code ends; then the board must be as before."""
    resets = machine.call("hello", 1)["boot"]["resets"]
    machine.put("bad", BLOB, blob_of(code), activate=True)
    with pytest.raises(RefusedError) as refusal:
        machine.call("run", 0, [b"a"])
    assert_well(machine, resets)
    return refusal.value.args[0], refusal.value.args[1]


def assert_well(machine: Machine, resets: int) -> None:
    assert machine.call("hello", 1)["boot"]["resets"] == resets
    assert machine.call("eval", "sum(i * 0.5 for i in range(9))") == 18.0
    machine.call("activate", "good")
    assert machine.call("run", 0, [b"a"])["result"] == b"b"


@pytest.mark.parametrize(
    ("code", "address"),
    [
        (r1(FIRMWARE) + READ, FIRMWARE),
        (r1(FIRMWARE_RAM) + READ, FIRMWARE_RAM),
        (r1(FIRMWARE_RAM) + WRITE, FIRMWARE_RAM),
        (r1(PERIPHERAL) + READ, PERIPHERAL),
        (r1(SYSTEM) + READ, None),
        (r1(NOTHING) + READ, None),
        (r1(0) + READ, 0),
        (struct.pack("<H", 0x4679) + WRITE, None),  # mov r1, pc: its own code
        (ARENA + struct.pack("<H", 0x3160) + READ, None),  # adds r1, #96: beyond its arena
        (ARENA + struct.pack("<H", 0x3960) + READ, None),  # subs r1, #96: before it
        (struct.pack("<2H", 0xF3EF, 0x8108) + WRITE, None),  # mrs r1, msp: reads as 0
        # movs r2, #0; msr control, r2; isb: changes nothing where the thread is unprivileged
        (struct.pack("<5H", 0x2200, 0xF382, 0x8814, 0xF3BF, 0x8F6F) + r1(PERIPHERAL) + READ, None),
    ],
    ids=[
        *("reads firmware", "reads its RAM", "writes its RAM", "reads a peripheral"),
        *("reads the system", "reads nothing", "reads NULL", "writes its code"),
        *("reads behind its arena", "reads before its arena", "asks for a stack"),
        "makes itself privileged",
    ],
)
def test_a_wrong_access(machine: Machine, code: bytes, address: int | None) -> None:
    status, message = refusal_of(machine, code + RETURN)
    assert status == E_FAULT
    said = re.fullmatch(r"a step faulted: step 0 at (0x\w{8}), address (0x\w{8}), CFSR .*", message)
    assert said is not None, message
    board = load_board(machine.call("hello", 1)["board"])
    assert board.flash_base <= int(said[1], 16)
    if address is not None:
        assert int(said[2], 16) == address


@pytest.mark.parametrize(
    "code",
    [
        struct.pack("<H", 0xDE00),
        struct.pack("<H", 0xBE00),  # bkpt
        struct.pack("<3H", 0x2100, 0xFB90, 0xF0F1),  # movs r1, #0; sdiv r0, r0, r1
        r1(0) + JUMP,
        r1(1) + JUMP,
        r1(FIRMWARE | 1) + JUMP,
        ARENA + struct.pack("<H", 0x3101) + JUMP,  # adds r1, #1: to its data
        struct.pack("<3H", 0xB5FF, 0xF7FF, 0xFFFD),  # push {r0-r7, lr}; bl to itself
        # vmov.f32 s0, #1.0; mov r0, #0xA0000000; mov sp, r0; udf: floats, and no stack for them
        struct.pack("<6H", 0xEEB7, 0x0A00, 0xF04F, 0x4020, 0x4685, 0xDE00),
        struct.pack("<3H", 0x2000, 0x4685, 0xDF00),  # movs r0, #0; mov sp, r0; svc #0
        struct.pack("<2H", 0x2000, 0x4685) + ENDLESS,  # no stack for the clock
        r1(0) + struct.pack("<H", 0x470C),  # bxns r1
        r1(FIRMWARE_RAM) + struct.pack("<H", 0x478C),  # blxns r1
        struct.pack("<3H", 0x2100, 0x468D, 0x470C),  # movs r1, #0; mov sp, r1; bxns r1
    ],
    ids=[
        *("undefined", "breakpoint", "divides by zero", "jumps to an even address"),
        *("jumps to NULL", "jumps into the firmware", "jumps into its data", "overflows its stack"),
        *("floats without a stack", "calls without a stack"),
        *("interrupted without a stack", "leaves the Secure state", "calls out of it"),
        "leaves it without a stack",
    ],
)
def test_a_wrong_instruction(machine: Machine, code: bytes) -> None:
    status, message = refusal_of(machine, code + RETURN)
    assert status == E_FAULT
    assert message.startswith("a step faulted: step 0 at 0x")


@pytest.mark.parametrize(
    "code",
    [ENDLESS, struct.pack("<2H", 0xBF30, 0xE7FD), struct.pack("<H", 0xB672) + ENDLESS],
    ids=["loops", "sleeps", "masks interrupts"],
)
def test_a_step_that_does_not_return(machine: Machine, code: bytes) -> None:
    resets = machine.call("hello", 1)["boot"]["resets"]
    data = blob_of(code, Golden(outputs=b"\x11", inputs=b"\x10"))
    session = machine.upload("bad", BLOB, data)
    with pytest.raises(RefusedError) as refusal:
        machine.call("put_end", session, True, 0, 0, LIMIT_MS)
    status, message = refusal.value.args[:2]
    assert status == E_DEADLINE
    assert message.startswith("time ran out: step 0 at 0x")
    assert_well(machine, resets)


def test_a_step_may_overwrite_all_registers(machine: Machine) -> None:
    overwrite = b"".join(struct.pack("<H", 0x2000 | r << 8 | 0xA0 + r) for r in range(8))
    overwrite += b"".join(
        struct.pack("<H", 0x4600 | 1 << 7 | r - 8) for r in range(8, 13)
    )  # mov r8, r0
    overwrite += b"".join(
        struct.pack("<2H", 0xEC41, 0x0B10 | d) for d in range(8, 16)
    )  # vmov d8, r0, r1
    overwrite += struct.pack("<4H", 0xEEE1, 0x0A10, 0x2000, 0x4770)  # vmsr fpscr, r0
    machine.put("bad", BLOB, blob_of(overwrite), activate=True)
    resets = machine.call("hello", 1)["boot"]["resets"]
    for _ in range(3):
        assert machine.call("run", 0, [b"a"])["size"] == 1
        assert machine.call("eval", "3.5 * 2") == 7.0
    assert_well(machine, resets)


def test_a_step_may_call_the_supervisor(machine: Machine) -> None:
    # mvns r0, r0 of 0; svc #0: ends the step, as returning -1 does
    status, message = refusal_of(machine, struct.pack("<3H", 0x2000, 0x43C0, 0xDF00) + RETURN)
    assert (status, message) == (
        E_STEP,
        "a step reported that it cannot go on: step 0 returned -1",
    )


@pytest.mark.parametrize("value", [1, 7, -7, 0x7FFFFFFF, -0x80000000])
def test_every_number_but_0_stops_a_run(machine: Machine, value: int) -> None:
    status, message = refusal_of(machine, r1(value & 0xFFFFFFFF) + MOVE_R1 + LEAVE)
    assert (status, message) == (
        E_STEP,
        f"a step reported that it cannot go on: step 0 returned {value}",
    )


def test_faults_cost_nothing_however_many(machine: Machine) -> None:
    resets = machine.call("hello", 1)["boot"]["resets"]
    machine.put("bad", BLOB, blob_of(r1(FIRMWARE_RAM) + WRITE + RETURN), activate=True)
    for _ in range(200):
        with pytest.raises(RefusedError) as refusal:
            machine.call("run", 0, [b"a"])
        assert refusal.value.args[0] == E_FAULT
    assert_well(machine, resets)


def test_python_catches_a_fault(machine: Machine) -> None:
    machine.put("bad", BLOB, blob_of(struct.pack("<H", 0xDE00)))
    machine.prompt("import xipnet; bad, good = xipnet.Model('bad'), xipnet.Model('good')")
    assert "Error: (-66, 'a step faulted: step 0 at" in machine.prompt("bad.run(b'a')")
    assert machine.prompt("bytes(good.run(b'a'))") == "b'b'\n"
    machine.prompt("bad.close(); good.close()")


@pytest.mark.parametrize("board", virtual_names(vm=True))
def test_code_is_scanned_before_it_runs(board: str, tmp_path: Path) -> None:
    with Machine(board, tmp_path / "flash") as scanning:
        scanning.boot()
        scanning.put("good", BLOB, blob_of(ADD_ONE), activate=True)
        for code, said in (
            (struct.pack("<2H", 0x2100, 0x470C), "instruction 0x0000470c at 2"),
            (struct.pack("<2H", 0xF382, 0x8814), "instruction 0xf3828814 at 0"),
            (struct.pack("<3H", 0xE000, 0xF04F, 0x0100), "entry 0xf04f0100 at 2"),
        ):
            with pytest.raises(RefusedError) as refusal:
                scanning.put("bad", BLOB, blob_of(code + RETURN), activate=True)
            text = f"code holds an instruction or a branch that no kernel has: {said}"
            assert refusal.value.args[:2] == (E_CODE, text)
        assert scanning.call("run", 0, [b"a"])["result"] == b"b"
