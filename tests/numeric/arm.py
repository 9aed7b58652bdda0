"""Runs operators as compiled for a Cortex-M, on a bare virtual machine (QEMU)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import ziglang

from relocatable.codegen.emit_c import emit_c, pack_weights
from relocatable.codegen.toolchain import build_code
from relocatable.compile import Optimize
from relocatable.graph.graph import Graph
from relocatable.schedule.plan_memory import Plan
from relocatable.select_kernels import select_kernels
from relocatable.steps.kernel_call import KernelCall, count_steps
from relocatable.targets import TARGETS
from tests.make_tflite import make_tflite
from tests.numeric.harness import describe, flat_plan, join, mismatch, random_input, reference

QEMU = "qemu-system-arm"
# Machine and the address of its largest memory; a v6-M program runs on a v7-M machine, and so on.
MACHINES = {
    "cortex-m0plus": ("mps2-an385", 0x21000000),
    "cortex-m3": ("mps2-an385", 0x21000000),
    "cortex-m4": ("mps2-an386", 0x21000000),
    "cortex-m7": ("mps2-an500", 0x60000000),
    "cortex-m33": ("mps3-an547", 0x60000000),
    "cortex-m55": ("mps3-an547", 0x60000000),
}
_ZIG = Path(ziglang.__file__).parent
_RUNNER = Path(__file__).with_name("arm_runner.c")
_CLANG = ("--target=thumbv7m-none-eabi", "-mcpu=cortex-m3", "-mfloat-abi=soft", "-ffreestanding")


def check_on_arm(
    graphs: Sequence[Graph],
    target: str,
    folder: Path,
    optimize: Optimize = "speed",
    models: Sequence[bytes] | None = None,
) -> None:
    """Compares every computed tensor of all graphs with LiteRT's; `models` as in `check`."""
    if shutil.which(QEMU) is None:
        pytest.skip(f"needs {QEMU}: apt install qemu-system-arm")
    rng = np.random.default_rng(5)
    inputs = [
        [random_input(rng, g.tensors[i].shape, g.tensors[i].dtype) for i in g.inputs]
        for g in graphs
    ]
    graph, bases = join(graphs)
    offsets, arena = run_on_arm(graph, [x for xs in inputs for x in xs], target, folder, optimize)
    wrong = []
    models = models or [make_tflite(graph) for graph in graphs]
    for one, model, base, xs in zip(graphs, models, bases, inputs, strict=True):
        want = reference(model, xs)
        for op in one.ops:
            tensor, at = one.tensors[op.outputs[0]], offsets[base + op.outputs[0]]
            raw = arena[at : at + tensor.size_bytes]
            text = mismatch(raw.view(tensor.dtype).reshape(tensor.shape), want[op.outputs[0]])
            if text:
                wrong.append(f"{text}: {describe(one)}")
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:8])


def run_on_arm(
    graph: Graph, inputs: Sequence[npt.NDArray[Any]], target: str, folder: Path, optimize: Optimize
) -> tuple[dict[int, int], npt.NDArray[np.uint8]]:
    """Where each tensor lies, and the arena after one run."""
    calls = select_kernels(graph, TARGETS[target])
    plan = flat_plan(graph, calls)
    return plan.offsets, run_steps_on_arm(graph, calls, plan, inputs, target, folder, optimize)


def run_steps_on_arm(
    graph: Graph,
    calls: Sequence[KernelCall],
    plan: Plan,
    inputs: Sequence[npt.NDArray[Any]],
    target: str,
    folder: Path,
    optimize: Optimize,
) -> npt.NDArray[np.uint8]:
    """The arena after one run of steps with a memory plan."""
    weights, weight_offsets = pack_weights(graph, calls)
    text = emit_c(graph, calls, plan, weight_offsets)
    code = build_code(text, TARGETS[target], count_steps(calls), optimize)
    arena = np.zeros(plan.arena_bytes, np.uint8)
    for i, x in zip(graph.inputs, inputs, strict=True):
        at = plan.offsets[i]
        arena[at : at + x.nbytes] = x.reshape(-1).view(np.uint8)
    parts = {"code": code.code, "weights": weights, "arena": arena.tobytes()}
    numbers = {
        "steps": code.step_offsets,
        "step_count": (count_steps(calls),),
        "arena_bytes": (plan.arena_bytes,),
    }
    machine, memory = MACHINES[target]
    _link(folder, parts, numbers, memory)
    _boot(folder, machine)
    return np.frombuffer((folder / "arena.bin").read_bytes(), np.uint8)


def _link(
    folder: Path, parts: dict[str, bytes], numbers: dict[str, Sequence[int]], memory: int
) -> None:
    lines = ['.section .memory, "aw"']
    for name, data in parts.items():
        (folder / f"{name}.part").write_bytes(data)
        lines += [".balign 64", f".global {name}", f'{name}: .incbin "{folder / name}.part"']
    for name, values in numbers.items():
        lines += [".balign 4", f".global {name}", f"{name}: .long {', '.join(map(str, values))}"]
    (folder / "data.S").write_text("\n".join(lines) + "\n")
    (folder / "runner.ld").write_text(
        "SECTIONS { .text 0 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }"
        " .stack 0x20000000 (NOLOAD) : { . = . + 0x8000; stack_top = .; }"
        f" .memory {memory:#x} : {{ *(.memory) }}"
        " /DISCARD/ : { *(.ARM.*) *(.comment) } }"
    )
    headers = ("-nostdinc", "-isystem", str(_ZIG / "lib/include"))
    _zig(folder, "clang", *_CLANG, *headers, "-O1", "-c", str(_RUNNER), "-o", "runner.o")
    _zig(folder, "clang", *_CLANG, "-c", "data.S", "-o", "data.o")
    _zig(folder, "ld.lld", "-T", "runner.ld", "runner.o", "data.o", "-o", "runner.elf")


def _boot(folder: Path, machine: str) -> None:
    command = [QEMU, "-machine", machine, "-nographic", "-monitor", "none", "-serial", "null"]
    command += ["-semihosting-config", "enable=on,target=native", "-kernel", "runner.elf"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, f"{machine} faulted: {done.stderr.decode()}"


def _zig(folder: Path, *arguments: str) -> None:
    command = [str(_ZIG / "zig"), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
