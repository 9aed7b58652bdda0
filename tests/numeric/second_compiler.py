"""The kernels built by another compiler: Debian's GCC for Arm.

Only the compiler is another one. The program is linked and held position-independent as ours is
(`relocatable/codegen`), with the same runtime library. What GCC calls its instructions a board's
scan may refuse: it is not asked.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from relocatable.codegen import toolchain
from relocatable.codegen.elf_image import Image
from relocatable.codegen.toolchain import Code, CodeOptimize, build_code
from relocatable.graph.graph import Graph
from relocatable.ops.select_kernels import select_kernels
from relocatable.schedule.plan_called import plan_called
from relocatable.targets import TARGETS, Target
from tests.numeric.harness import Array, flat_plan, join, with_bound_subgraphs
from tests.numeric.on_target import run_steps_on_target

_GCC = "arm-none-eabi-gcc"
_CLANG_S_OWN = {"-fstack-size-section", "-Wall", "-Wextra", "-Werror=alloca"}
_STACK_BYTES = 1 << 30  # GCC states none in the object

# It finds no registers for the assembly of a large function into which others were inlined, and
# its assembler does not know the conditional VCVT that it writes for a core with MVE.
_ATTEMPTS = (
    ("-O2",),
    ("-O2", "-fno-inline"),
    ("-O2", "-fno-inline", "-fira-region=one"),
    ("-O1", "-fno-inline", "-fira-region=one"),
    ("-O1", "-fno-inline", "-fno-tree-loop-im", "-fno-ivopts", "-fno-tree-ter"),
)


def differing(
    made: Sequence[tuple[Graph, bytes, Sequence[Array]]],
    target: str,
    folder: Path,
    optimize: CodeOptimize,
) -> list[str]:
    """Run both compilers' programs; name the tensors of each graph that differ.

    A text is "" if no byte of the graph's tensors differs.

    Args:
        made: graphs, each with its .tflite and inputs.
        target: CPU that both compile for.
        folder: for files.
        optimize: kernels with constants of their own, or shared ones.
    """
    graphs = [with_bound_subgraphs(graph) for graph, _, _ in made]
    graph, bases = join(graphs)
    calls = plan_called(select_kernels(graph, TARGETS[target]))
    plan = flat_plan(graph, calls)
    inputs = [x for _, _, many in made for x in many]
    actual, expected = (
        run_steps_on_target(graph, calls, plan, inputs, target, folder, optimize, build)
        for build in (build_code, build_with_gcc)
    )
    found = []
    for one, base in zip(graphs, bases, strict=True):
        wrong = []
        for i in (output for op in one.ops for output in op.outputs):
            at, size = plan.offsets[base + i], one.tensors[i].size_bytes
            if not np.array_equal(actual[at : at + size], expected[at : at + size]):
                wrong.append(one.tensors[i].name)
        found.append(", ".join(wrong))
    return found


def build_with_gcc(c_text: str, target: Target, step_count: int, optimize: CodeOptimize) -> Code:
    """Compile as `build_code` does, by GCC; skips the test if it is not installed."""
    if shutil.which(_GCC) is None:
        pytest.skip(f"needs {_GCC}: apt install gcc-arm-none-eabi")
    with tempfile.TemporaryDirectory(prefix="xipnet-") as folder:
        source, obj, linked = (Path(folder, name) for name in ("unit.c", "unit.o", "unit.elf"))
        source.write_text(c_text, encoding="utf-8")
        for level in _ATTEMPTS:
            flags = [*_flags(target), *level, *(("-DXN_OPTIMIZE_SIZE=1",) * (optimize == "size"))]
            command = [_GCC, *flags, "-c", str(source), "-o", str(obj)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
        assert done.returncode == 0, done.stderr
        toolchain._link([obj, toolchain._runtime_library(target)], linked)
        image = Image(linked.read_bytes(), target.family)
    return Code(image.code, image.step_offsets(step_count), _STACK_BYTES)


def _flags(target: Target) -> Iterator[str]:
    yield from ("-mthumb", "-fpie", "-fvisibility=hidden", "-mfp16-format=ieee")
    yield "-Werror=incompatible-pointer-types"  # int32_t is long there, and no alias of int
    yield from (flag for flag in target.flags if flag.startswith(("-mcpu=", "-mfloat-abi=")))
    yield from (flag for flag in toolchain._COMMON_FLAGS if flag not in _CLANG_S_OWN)
    yield from ("-isystem", _headers(), "-I", str(toolchain._PACKAGE))
    yield from ("-include", str(Path(__file__).with_name("gcc.h")))
    yield from toolchain._intrinsics(target)


@cache
def _headers() -> str:
    command = [_GCC, "-print-file-name=include"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
