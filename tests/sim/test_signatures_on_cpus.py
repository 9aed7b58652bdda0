"""Signatures on every virtual CPU, their stack; random bytes of QEMU."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device_fw.boards import BOARDS_DIR
from device_fw.boards.board import STACK_EXTRA_BYTES, read_board
from device_fw.boards.emulate import RANDOM_SERIAL
from device_fw.build.flags import zig
from device_fw.build.sources import (
    BLOB_INCLUDE_DIR,
    CORE_DIR,
    FIRMWARE_DIR,
    PARTS_DIR,
    VENDOR_DIR,
)

pytestmark = pytest.mark.sim

HERE = Path(__file__).resolve().parent / "signed"
SOURCES = (
    *(HERE / "image.c", CORE_DIR / "trust" / "xn_ed25519.c", PARTS_DIR / "random_cmsdk.c"),
    *sorted((VENDOR_DIR / "monocypher").glob("*.c")),
    FIRMWARE_DIR / "libc" / "string.c",
)
FLAGS = (
    *("-std=gnu11", "-ffreestanding", "-Oz", "-ffunction-sections", "-fdata-sections", "-w"),
    *("-fno-unwind-tables", "-fno-builtin-bcmp", "-nostdinc", "-DXN_LOCKABLE=1"),
)
STACK_MAX = 2048  # of a check and of a signature, on every CPU


@dataclass(frozen=True)
class Cpu:
    """A CPU that is compiled for, and the machine of QEMU that runs its code.

    Attributes:
        target: the triple of Clang.
        zig_cpu: the same CPU for `zig build-obj`.
        machine: QEMU's.
        uart: the address of its first UART; the second is 0x1000 behind it.
        hz: the clock of SysTick.
        has_fpu: whether it must be switched on.
    """

    target: str
    zig_cpu: str
    machine: str
    uart: int
    hz: int
    has_fpu: bool = True


CPUS = {
    "cortex-m0plus": Cpu(  # a Cortex-M3 runs its code
        "thumbv6m-none-eabi", "cortex_m0plus", "mps2-an385", 0x40004000, 25_000_000, False
    ),
    "cortex-m4": Cpu("thumbv7em-none-eabihf", "cortex_m4", "mps2-an386", 0x40004000, 25_000_000),
    "cortex-m7": Cpu("thumbv7em-none-eabihf", "cortex_m7", "mps2-an500", 0x40004000, 25_000_000),
    "cortex-m55": Cpu(
        "thumbv8.1m.main-none-eabihf", "cortex_m55", "mps3-an547", 0x49303000, 32_000_000
    ),
}


@dataclass(frozen=True)
class Cost:
    """What one call took."""

    instructions: int
    stack: int


def run(*command: object, cwd: Path) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def build(name: str, cpu: Cpu, out: Path) -> Path:
    """Compile the image as the firmware is compiled."""
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("needs qemu-system-arm: apt install qemu-system-arm")
    folders = (FIRMWARE_DIR, CORE_DIR, BLOB_INCLUDE_DIR)
    system = (FIRMWARE_DIR / "libc", Path(zig()).parent / "lib" / "include")
    flags = [
        *(f"--target={cpu.target}", f"-mcpu={name}", *FLAGS),
        *(f"-mfloat-abi={'hard' if cpu.has_fpu else 'soft'}", f"-DUART_AT={cpu.uart:#x}u"),
        *(f"-DXN_ENTROPY_BASE={cpu.uart + 0x1000:#x}u", f"-DCLOCK_HZ={cpu.hz}u"),
        *(f"-DHAS_FPU={int(cpu.has_fpu)}", *(f"-I{folder}" for folder in folders)),
        *(word for folder in system for word in ("-isystem", folder)),
    ]
    run(zig(), "clang", *flags, "-c", *SOURCES, cwd=out)
    abi = "eabihf" if cpu.has_fpu else "eabi"
    run(
        *(zig(), "build-obj", Path(zig()).parent / "lib" / "compiler_rt.zig", "-OReleaseSmall"),
        *("-target", f"thumb-freestanding-{abi}", f"-mcpu={cpu.zig_cpu}", "-fstrip"),
        *("-fno-unwind-tables", "-ffunction-sections", "-femit-bin=compiler_rt.o"),
        *("--cache-dir", out / "cache"),
        cwd=out,
    )
    places = ("--defsym=CODE_AT=0", "--defsym=DATA_AT=0x20000000")
    run(
        *(zig(), "ld.lld", "-m", "armelf", "--gc-sections", *places, "-T", HERE / "image.ld"),
        *(*sorted(out.glob("*.o")), "-o", "image.elf"),
        cwd=out,
    )
    return out / "image.elf"


def lines_of(elf: Path, cpu: Cpu) -> list[str]:
    """Return what the image says until its last line."""
    command = [
        *("qemu-system-arm", "-machine", cpu.machine, "-kernel", str(elf), "-icount", "shift=0"),
        *("-display", "none", "-monitor", "none", "-serial", "stdio", *RANDOM_SERIAL),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as qemu:
        assert qemu.stdout is not None
        lines = []
        for line in qemu.stdout:
            lines.append(line.strip())
            if lines[-1] == "end":
                break
        qemu.kill()
    return lines


def cost(numbers: list[str], cpu: Cpu) -> Cost:
    ticks, wrapped, stack = (int(number, 16) for number in numbers)
    assert wrapped == 0
    return Cost(round(ticks * 1e9 / cpu.hz), stack)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name == "cortex-m4" else pytest.mark.slow) for name in CPUS],
)
def test_a_cpu_signs_checks_and_gets_random_bytes(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    cpu = CPUS[name]
    lines = lines_of(build(name, cpu, tmp_path), cpu)
    key = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
    assert lines[0] == key.public_key().public_bytes_raw().hex()
    signed, checked = cost(lines[1:4], cpu), cost(lines[5:8], cpu)
    assert lines[4] == key.sign(b"m" * 128).hex()
    assert lines[8] == "good"
    print(name, "sign", signed, "check", checked)
    record_property("signed", str(signed))
    record_property("checked", str(checked))
    assert max(signed.stack, checked.stack) <= STACK_MAX
    first, second = lines[10], lines[12]
    assert lines[9] == lines[11] == "emulator"
    assert first != second
    assert len(set(bytes.fromhex(first + second))) > 32
    # What a signature takes does not depend on the seed; a tick is 25 to 40 instructions.
    ticks = [int(line, 16) for line in lines[13:-1:3]]
    assert len(ticks) == 6
    assert max(ticks) - min(ticks) <= 1


@pytest.mark.parametrize("path", sorted(BOARDS_DIR.glob("*.toml")), ids=lambda path: path.stem)
def test_the_stack_of_every_board_holds_a_check(path: Path) -> None:
    board = read_board(path, lockable=True)
    stack = board.memory["stack"].length - board.step_stack - STACK_EXTRA_BYTES
    assert stack >= 2 * STACK_MAX  # of it; the callers have the other half
