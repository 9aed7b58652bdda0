"""What contains steps behind the MPU of an Armv6-M and of an Armv8-M.

The code is that of the Pico's images (device_fw/arch/cortexm), compiled for their CPUs. There is no
emulator of a Cortex-M0+ with an MPU: it runs on a Cortex-M3, which has all that an Armv6-M has, and
on which all faults come as HardFault too, as nothing else is enabled. The Cortex-M33 is one.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from device_fw.build.sources import BLOB_INCLUDE_DIR, FIRMWARE_DIR
from tests.local_port import connect, free_port
from tests.sim.test_containment import (
    ADD_ONE,
    ARENA,
    E_DEADLINE,
    E_FAULT,
    ENDLESS,
    JUMP,
    LEAVE,
    MOVE_R1,
    NOTHING,
    READ,
    RETURN,
    WRITE,
    r1,
)

pytestmark = pytest.mark.sim

HERE = Path(__file__).resolve().parent / "contained"
ARCH = FIRMWARE_DIR / "arch" / "cortexm"
SOURCES = ("clock.c", "fault_place.c", "mpu.c", "pmsa7.c", "step.c", "step.S", "step_v6m.S")
WAIT_S = 30.0


@dataclass(frozen=True)
class Chip:
    """A virtual chip, and the CPU that is compiled for."""

    machine: str
    flags: tuple[str, ...]
    code: int
    data: int
    program: int
    uart: int


CHIPS = {
    "cortex-m0plus": Chip(
        "mps2-an385", ("-mcpu=cortex-m0plus",), 0, 0x20000000, 0x21000000, 0x40004000
    ),
    "cortex-m33": Chip(
        *("mps2-an505", ("-mcpu=cortex-m33", "-mfloat-abi=softfp", "-mfpu=fpv5-sp-d16")),
        *(0x10000000, 0x38000000, 0x38010000, 0x50200000),
    ),
}


@pytest.fixture(scope="module", params=CHIPS)
def image(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Chip, Path]:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("needs arm-none-eabi-gcc")
    chip = CHIPS[request.param]
    elf = tmp_path_factory.mktemp("image") / "image.elf"
    places = {"CODE_AT": chip.code, "DATA_AT": chip.data, "UART_AT": chip.uart}
    command = [
        *("arm-none-eabi-gcc", *chip.flags, "-mthumb", "-Os", "-nostartfiles"),
        *("-Wall", "-Werror", f"-I{FIRMWARE_DIR}", f"-I{FIRMWARE_DIR / 'core'}"),
        *(f"-I{BLOB_INCLUDE_DIR}", "-DXN_CLOCK_HZ=20000000u", f"-DPROGRAM_AT={chip.program:#x}u"),
        *(f"-D{name}={value:#x}u" for name, value in places.items()),
        *(f"-Wl,--defsym={name}={value:#x}" for name, value in places.items()),
        f"-Wl,--defsym=xn_ld_step_stack_end=xn_ld_step_stack+4096,-T{HERE / 'image.ld'}",
        *(str(HERE / "image.c"), *(str(ARCH / name) for name in SOURCES)),
        *("-o", str(elf)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return chip, elf


def run(image: tuple[Chip, Path], code: bytes, folder: Path) -> list[int]:
    """Run a step, then a good one; the first's status, PC, result, output, beside."""
    chip, elf = image
    blob = folder / "blob.bin"
    blob.write_bytes(code.ljust(4096, b"\0") + ADD_ONE)
    port = free_port()
    command = [
        *("qemu-system-arm", "-M", chip.machine, "-kernel", str(elf), "-nographic"),
        *("-device", f"loader,file={blob},addr={chip.program:#x}", "-monitor", "none"),
        *("-serial", f"tcp:127.0.0.1:{port},server=on,wait=on"),
    ]
    process = subprocess.Popen(command)
    try:
        with connect(port, WAIT_S) as wire:
            wire.settimeout(WAIT_S)
            text = b""
            while not text.endswith(b"\n"):
                more = wire.recv(4096)
                assert more, text
                text += more
    finally:
        process.kill()
        process.wait()
    values = [int(word, 16) for word in text.split()]
    assert values[5:] == [0, 0, 0, ord("b"), 0], text  # the good step
    return values[:5]


def signed(word: int) -> int:
    """Read a word as C's int32_t."""
    value: int = struct.unpack("<i", struct.pack("<I", word))[0]
    return value


PROGRAMS = {
    "reads firmware": lambda chip: r1(chip.code) + READ,
    "reads its RAM": lambda chip: r1(chip.data) + READ,
    "writes its RAM": lambda chip: r1(chip.data) + WRITE,
    "reads a peripheral": lambda chip: r1(chip.uart) + READ,
    "reads the system": lambda chip: r1(0xE000ED00) + READ,
    "reads nothing": lambda chip: r1(NOTHING) + READ,
    "writes its code": lambda chip: struct.pack("<H", 0x4679) + WRITE,
    "writes behind its arena": lambda chip: ARENA + struct.pack("<2H", 0x31FF, 0x3101) + WRITE,
    "writes before its arena": lambda chip: ARENA + struct.pack("<H", 0x3904) + WRITE,
    "undefined": lambda chip: struct.pack("<H", 0xDE00),
    "jumps into the firmware": lambda chip: r1(chip.code | 0x101) + JUMP,
    "jumps into its data": lambda chip: ARENA + struct.pack("<H", 0x3101) + JUMP,
    "overflows its stack": lambda chip: struct.pack("<3H", 0xB5FF, 0xF7FF, 0xFFFD),
    "calls without a stack": lambda chip: struct.pack("<3H", 0x2000, 0x4685, 0xDF00),
    "interrupted without a stack": lambda chip: struct.pack("<2H", 0x2000, 0x4685) + ENDLESS,
    # msr control, r2 of 0; isb: changes nothing where the thread is unprivileged
    "makes itself privileged": lambda chip: (
        struct.pack("<5H", 0x2200, 0xF382, 0x8814, 0xF3BF, 0x8F6F) + r1(chip.uart) + READ
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_step_reaches_what_is_its_own(
    image: tuple[Chip, Path], name: str, tmp_path: Path
) -> None:
    status, pc, _, _, beside = run(image, PROGRAMS[name](image[0]) + RETURN, tmp_path)
    assert (signed(status), beside) == (E_FAULT, 0)
    if "stack" not in name and "jumps" not in name:
        assert image[0].program <= pc < image[0].program + 64


def test_a_step_that_does_not_return(image: tuple[Chip, Path], tmp_path: Path) -> None:
    status, pc, *_ = run(image, ENDLESS, tmp_path)
    assert (signed(status), pc) == (E_DEADLINE, image[0].program)


@pytest.mark.parametrize("value", [0, 7, -7])
def test_what_a_step_returns(image: tuple[Chip, Path], value: int, tmp_path: Path) -> None:
    status, _, returned, *_ = run(image, r1(value & 0xFFFFFFFF) + MOVE_R1 + LEAVE, tmp_path)
    assert (status, signed(returned)) == (0, value)


def test_a_step_may_overwrite_all_registers(image: tuple[Chip, Path], tmp_path: Path) -> None:
    code = b"".join(struct.pack("<H", 0x2000 | r << 8 | 0xA0 + r) for r in range(8))
    code += b"".join(struct.pack("<H", 0x4600 | 1 << 7 | r - 8) for r in range(8, 13))
    status, _, returned, *_ = run(image, code + RETURN, tmp_path)
    assert (status, returned) == (0, 0)
