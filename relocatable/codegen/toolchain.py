"""Compile C to position-independent code with the `ziglang` wheel's Clang and LLD."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path

from relocatable.codegen.elf_image import Image, undefined_symbols
from relocatable.errors import ToolchainError
from relocatable.targets import Target

CodeOptimize = Literal["speed", "size"]

_HERE = Path(__file__).parent
_PACKAGE = _HERE.parent
_COMMON_FLAGS = (
    "-std=gnu11",
    "-ffreestanding",
    "-nostdinc",
    "-fwrapv",
    "-ffp-contract=off",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
    "-fno-jump-tables",
    "-ffunction-sections",
    "-fdata-sections",
    "-fstack-size-section",
    "-Wall",
    "-Wextra",
    "-Wno-unused-function",
    # Frames whose size is known at run time only.
    "-Werror=vla",
    "-Werror=alloca",
)


@dataclass(frozen=True)
class Code:
    """Machine code of a program.

    Attributes:
        code: flat image; runs at any address that is a multiple of 64.
        step_offsets: offset of each step's function in it.
        stack_bytes: upper bound of the stack that one step uses.
    """

    code: bytes
    step_offsets: tuple[int, ...]
    stack_bytes: int


def build_code(
    c_text: str,
    target: Target,
    step_count: int,
    optimize: CodeOptimize,
    folders: Sequence[Path] = (),
) -> Code:
    """Compile and link a program.

    Args:
        c_text: C source that defines the functions xn_step_0, xn_step_1, ..; its includes are
            relative to the package.
        target: CPU to compile for.
        step_count: number of these functions.
        optimize: "speed" makes a copy of a kernel for each step, "size" lets steps share it.
        folders: that its includes are relative to, too.

    Raises:
        ToolchainError: compiler or linker is missing or failed, or the code has writable data, an
            absolute address, an undefined symbol or what a board's scan refuses.
    """
    refused = ""
    for flags in _attempts(target, optimize):
        code, refused = _build(c_text, target, step_count, flags, folders)
        if not refused:
            return code
    raise ToolchainError(f"a board would refuse the code: {refused}")


def _attempts(target: Target, optimize: CodeOptimize) -> Iterator[tuple[str, ...]]:
    """Yield the compiler's flags, then others for code that a board's scan mistakes."""
    size = ("-Os", "-DXN_OPTIMIZE_SIZE=1")
    level = ("-O3",) if optimize == "speed" else size
    yield level
    # A constant may lie before the instruction that reads it, where the scan expects none.
    if target.without_constants:
        yield (*level, *target.without_constants)
    # Where jumps are short, functions beyond 2 KB jump by calls, with constants behind them.
    if optimize == "speed":
        yield (*size, *target.without_constants)


def _build(
    c_text: str, target: Target, step_count: int, flags: Sequence[str], folders: Sequence[Path]
) -> tuple[Code, str]:
    """Compile and link; return what a board's scan refuses, too, "" if nothing."""
    with tempfile.TemporaryDirectory(prefix="xipnet-") as folder:
        source, obj, linked = (Path(folder, name) for name in ("unit.c", "unit.o", "unit.elf"))
        source.write_text(c_text, encoding="utf-8")
        _run(
            "clang",
            *target.flags,
            *_COMMON_FLAGS,
            *flags,
            *("-isystem", str(_zig_folder() / "lib/include"), "-I", str(_PACKAGE)),
            *(text for folder in folders for text in ("-I", str(folder))),
            *_intrinsics(target),
            *("-c", str(source), "-o", str(obj)),
        )
        needs_runtime = bool(undefined_symbols(obj.read_bytes()))
        _link([obj, _runtime_library(target)] if needs_runtime else [obj], linked)
        image = Image(linked.read_bytes(), target.family)
    code = Code(image.code, image.step_offsets(step_count), image.stack_bytes())
    scan = target.family.scan
    return code, scan(code.code, code.step_offsets) if scan else ""


def cache_folder() -> Path:
    """Name the folder of what is built once per machine; it may be deleted."""
    return user_cache_path("xipnet", appauthor=False)


def _intrinsics(target: Target) -> tuple[str, ...]:
    header = target.family.intrinsics
    return ("-include", str(_PACKAGE / header)) if header else ()


def _link(objects: Sequence[Path], linked: Path) -> None:
    script = str(_HERE / "blob.ld")
    keep = ("--emit-relocs", "--gc-sections", "--no-relax", "-z", "norelro", "--build-id=none")
    _run("ld.lld", "-T", script, *keep, *map(str, objects), "-o", str(linked))


def _runtime_library(target: Target) -> Path:
    """Build what the compiler calls by itself: memcpy, 64-bit division, soft float.

    It is Zig's compiler_rt, compiled to position-independent code with the kernels' own flags, once
    for each CPU, and kept in the cache.
    """
    zig = _zig_folder()
    flags = (
        *target.flags,
        *("-Os", "-fno-unwind-tables", "-ffunction-sections", "-fdata-sections"),
        *("-fstack-size-section", "-Wno-override-module"),
    )
    key = repr((metadata.version("ziglang"), target.zig_target, target.zig_cpu, flags)).encode()
    kept = cache_folder() / f"runtime-{target.name}-{hashlib.sha256(key).hexdigest()[:16]}.o"
    if kept.exists():
        return kept
    with tempfile.TemporaryDirectory(prefix="xipnet-") as folder:
        bitcode, obj = Path(folder, "runtime.bc"), Path(folder, "runtime.o")
        _run(
            *("build-obj", str(zig / "lib/compiler_rt.zig")),
            *("-target", target.zig_target, "-mcpu", target.zig_cpu),
            *("-fPIC", "-OReleaseSmall", "-fno-unwind-tables", "-fstrip"),
            *(f"-femit-llvm-bc={bitcode}", "-fno-emit-bin"),
        )
        _run("clang", *flags, "-x", "ir", str(bitcode), "-c", "-o", str(obj))
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Written beside its place first: another process may build the same.
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_bytes(obj.read_bytes())
        part.replace(kept)
    return kept


def _run(*arguments: str) -> None:
    zig = _zig_folder() / ("zig.exe" if sys.platform == "win32" else "zig")
    command = (str(zig), *arguments)
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(cache_folder() / "zig")}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    except OSError as error:
        raise ToolchainError(f"compiler must start; {error}", command) from error
    if done.returncode != 0:
        raise ToolchainError(_summary(arguments[0], done.stderr), command, done.stderr)


def _summary(tool: str, stderr: str) -> str:
    first = next((line for line in stderr.splitlines() if "error" in line), "no message")
    return f"{tool} failed: {first}"


def _zig_folder() -> Path:
    spec = importlib.util.find_spec("ziglang")
    if spec is None or not spec.submodule_search_locations:
        raise ToolchainError.missing()
    return Path(spec.submodule_search_locations[0])
