"""Virtual machines (QEMU) that run programs as compiled for other CPUs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import ziglang

from relocatable.codegen.toolchain import Code

_ZIG = Path(ziglang.__file__).parent
_RUNNER = Path(__file__).with_name("runner")


@dataclass(frozen=True)
class Machine:
    """A virtual machine that runs the steps of a program once.

    Attributes:
        emulator: command that starts it, with the program's file to follow.
        package: Debian's package that contains the emulator.
        source: the machine's part of the runner.
        flags: Clang's flags for the runner.
        layout: linker script; `.program` holds code and constants, `.arena` what steps write.
    """

    emulator: tuple[str, ...]
    package: str
    source: str
    flags: tuple[str, ...]
    layout: str


@dataclass(frozen=True)
class Outcome:
    """What a program left behind.

    Attributes:
        arena: its memory after the last step.
        stack_bytes: the most that a step wrote of its stack.
    """

    arena: npt.NDArray[np.uint8]
    stack_bytes: int


def _bare_arm(board: str, memory: int) -> Machine:
    """Describe a microcontroller, which also runs programs of lower architectures."""
    return Machine(
        emulator=(
            *("qemu-system-arm", "-machine", board, "-nographic", "-monitor", "none"),
            *("-serial", "null", "-semihosting-config", "enable=on,target=native", "-kernel"),
        ),
        package="qemu-system-arm",
        source="arm.c",
        flags=("--target=thumbv7m-none-eabi", "-mcpu=cortex-m3", "-mfloat-abi=soft"),
        layout="SECTIONS { .text 0 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }"
        " .stack 0x20000000 (NOLOAD) : { . = . + 0x10000; stack_top = .; }"
        f" .memory {memory:#x} : {{ *(.program) *(.arena) }}"
        " /DISCARD/ : { *(.ARM.*) *(.comment) } }",
    )


# The code is not writable, and lies at no page's start.
_LINUX_RISCV = Machine(
    emulator=("qemu-riscv32",),
    package="qemu-user",
    source="riscv.c",
    flags=("--target=riscv32-none-elf", "-march=rv32imc", "-mabi=ilp32"),
    layout="ENTRY(_start) PHDRS { fixed PT_LOAD FLAGS(5); arena PT_LOAD FLAGS(6); }"
    " SECTIONS { . = 0x10000; .text : { *(.text*) *(.rodata*) *(.srodata*) } :fixed"
    " .program ALIGN(4096) + 64 : { *(.program) } :fixed"
    " .arena ALIGN(4096) : { *(.arena) } :arena"
    " /DISCARD/ : { *(.comment) *(.riscv.attributes) } }",
)

# Memory: the address of the board's largest.
MACHINES: Mapping[str, Machine] = {
    "cortex-m0plus": _bare_arm("mps2-an385", memory=0x21000000),
    "cortex-m3": _bare_arm("mps2-an385", memory=0x21000000),
    "cortex-m4": _bare_arm("mps2-an386", memory=0x21000000),
    "cortex-m7": _bare_arm("mps2-an500", memory=0x60000000),
    "cortex-m33": _bare_arm("mps3-an547", memory=0x60000000),
    "cortex-m55": _bare_arm("mps3-an547", memory=0x60000000),
    "rv32imc": _LINUX_RISCV,
    "rv32imac": _LINUX_RISCV,
}


def run_on_machine(
    machine: Machine, code: Code, weights: bytes, arena: npt.NDArray[np.uint8], folder: Path
) -> Outcome:
    """Run all steps of a program; skips the test if the emulator is not installed.

    Args:
        machine: where it runs.
        code: the program.
        weights: its constants.
        arena: its memory before the first step.
        folder: for files.
    """
    if shutil.which(machine.emulator[0]) is None:
        pytest.skip(f"needs {machine.emulator[0]}: apt install {machine.package}")
    (folder / "data.S").write_text(
        _section(folder, ".program", "a", {"code": code.code, "weights": weights})
        + _words({"steps": code.step_offsets, "step_count": (len(code.step_offsets),)})
        + _words({"arena_bytes": (arena.size,)})
        + _section(folder, ".arena", "aw", {"arena": arena.tobytes()})
    )
    (folder / "runner.ld").write_text(machine.layout)
    sources = (_RUNNER / "runner.c", _RUNNER / machine.source, folder / "data.S")
    flags = (*machine.flags, "-ffreestanding", "-O1", "-isystem", str(_ZIG / "lib/include"))
    for source in sources:
        _zig(folder, "clang", *flags, "-c", str(source), "-o", f"{source.stem}.o")
    objects = [f"{source.stem}.o" for source in sources]
    _zig(folder, "ld.lld", "-T", "runner.ld", *objects, "-o", "runner.elf")

    command = [*machine.emulator, "runner.elf"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode} {done.stderr.decode()}"
    return Outcome(
        arena=np.frombuffer((folder / "arena.bin").read_bytes(), np.uint8),
        stack_bytes=int.from_bytes((folder / "stack.bin").read_bytes(), "little"),
    )


def _section(folder: Path, name: str, flags: str, parts: Mapping[str, bytes]) -> str:
    lines = [f'.section {name}, "{flags}"']
    for label, data in parts.items():
        (folder / f"{label}.part").write_bytes(data)
        lines += [".balign 64", f".global {label}", f'{label}: .incbin "{folder / label}.part"']
    return "\n".join(lines) + "\n"


def _words(values: Mapping[str, Sequence[int]]) -> str:
    lines = [
        f".balign 4\n.global {label}\n{label}: .long {', '.join(map(str, words))}"
        for label, words in values.items()
    ]
    return "\n".join(lines) + "\n"


def _zig(folder: Path, *arguments: str) -> None:
    command: list[Any] = [_ZIG / "zig", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
