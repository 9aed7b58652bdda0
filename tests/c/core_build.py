"""Build the core for this machine, under the sanitizers, and blobs to run on it."""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from device_fw.build.core_program import core_flags, core_sources
from device_fw.build.sources import BLOB_INCLUDE_DIR, CORE_DIR, FIRMWARE_DIR
from relocatable.blob.blob import Blob, Entry, Golden, Io, Variant, golden_inputs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CORE = CORE_DIR
BLOB_INCLUDE = BLOB_INCLUDE_DIR
MPU = FIRMWARE_DIR / "arch" / "cortexm" / "pmsa7.c"


def _flags(lockable: bool) -> list[str]:
    return [
        *("-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror"),
        *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
        *(*core_flags(lockable), f"-I{HERE}", "-pthread"),
    ]


FLAGS = _flags(lockable=False)
PROGRAMS = (
    *("test_check", "test_given_up", "test_link", "test_msgpack", "test_pool", "test_store"),
    *("board_host", "fuzz", "check_blobs", "check_bundles", "scan_tool", "unpack_tool"),
)
WRAPS = {"test_given_up": ("-Wl,--wrap=xn_busy_begin", "-Wl,--wrap=xn_busy_end")}
FAMILIES = {"x86_64": 2, "aarch64": 3}
SEED = 1234
WEIGHTS = bytes(range(100, 116))


def _run(*command: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}:\n{done.stderr}"
    return done.stdout


def verdicts(tool: Path, items: Sequence[bytes]) -> list[tuple[int, str]]:
    """Return what a tool says of each of some bytes: a status and a text."""
    stream = b"".join(struct.pack("<I", len(item)) + item for item in items)
    done = subprocess.run([tool], input=stream, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    lines = [line.split(" ", 1) for line in done.stdout.decode().splitlines()]
    assert len(lines) == len(items)
    return [(int(status), text) for status, text in lines]


def build_programs(out: Path) -> None:
    """Compile the core and every test program into a directory."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc with its sanitizers")
    sources = [*core_sources(), MPU, *(HERE / f"{name}.c" for name in PROGRAMS)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda s: _run("gcc", *FLAGS, "-c", s, "-o", out / f"{s.stem}.o"), sources))
        objects = [out / f"{s.stem}.o" for s in sources if s.stem not in PROGRAMS]
        links = [
            ["gcc", *FLAGS, out / f"{p}.o", *objects, *WRAPS.get(p, ()), "-o", out / p]
            for p in PROGRAMS
        ]
        list(pool.map(lambda link: _run(*link), links))


def build_lockable(out: Path) -> None:
    """Compile the core that can be locked, and its test programs, into a directory.

    `board_host`; `still_host`, the same with a clock that stands still and without random numbers;
    `locked_host`, whose firmware is built with a policy; `test_seals`; `signature_tool`.
    """
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc with its sanitizers")
    flags = _flags(lockable=True)
    programs = ("board_host", "locked_host", "still_clock", "test_seals", "signature_tool")
    sources = [*core_sources(lockable=True), *(HERE / f"{name}.c" for name in programs)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda s: _run("gcc", *flags, "-c", s, "-o", out / f"{s.stem}.o"), sources))
    core = [out / f"{s.stem}.o" for s in sources if s.stem not in programs]
    wraps = ["-Wl,--wrap=xn_port_time_us", "-Wl,--wrap=xn_port_entropy", out / "still_clock.o"]
    for name, main, more in (
        ("board_host", "board_host", []),
        ("still_host", "board_host", wraps),
        ("locked_host", "locked_host", []),
        ("test_seals", "test_seals", []),
        ("signature_tool", "signature_tool", []),
    ):
        _run("gcc", *flags, out / f"{main}.o", *core, *more, "-o", out / name)


def build_lines(out: Path) -> Path:
    """Compile the core for three lines, and its test, into a directory."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc with its sanitizers")
    program = out / "test_lines"
    sources = [*core_sources(), HERE / "test_lines.c"]
    _run("gcc", *FLAGS, "-DXN_LINK_LINES=3", *sources, "-o", program)
    return program


@cache
def _steps(out: Path) -> tuple[bytes, dict[str, int]]:
    """Return the code of steps.c and where in it each step starts."""
    unit = out / "steps.o"
    flags = ["-O1", "-fPIC", "-ffreestanding", "-fcf-protection=none", "-fno-stack-protector"]
    if platform.machine() == "aarch64":
        flags.remove("-fcf-protection=none")
    _run(
        "gcc",
        *flags,
        f"-I{BLOB_INCLUDE}",
        "-c",
        HERE / "steps.c",
        "-o",
        unit,
    )
    _run("objcopy", "-O", "binary", "-j", ".text", unit, out / "steps.bin")
    rows = [line.split() for line in _run("nm", unit).splitlines()]
    code = (out / "steps.bin").read_bytes()
    return code + bytes(-len(code) % 4), {name: int(at, 16) for at, _, name in rows}


def make_blob(out: Path, *steps: str, arena_bytes: int = 64, golden: int | None = 0) -> Blob:
    """Make a blob of steps of steps.c; its last one is the head of entry 1.

    Args:
        out: the directory of build_programs().
        steps: names without their `step_`; by default add and the head.
        arena_bytes: RAM it asks for.
        golden: added to each byte of the expected output (0: the right one); None: no vector.
    """
    family = FAMILIES.get(platform.machine())
    if family is None:
        pytest.skip(f"no blob family for {platform.machine()}")
    code, at = _steps(out)
    names = steps or ("add", "head")
    network = len(names) - 1
    variant = Variant(
        family, 0, 0, code, WEIGHTS, tuple(at[f"step_{n}"] for n in names), arena_bytes, 128
    )
    blob = Blob(
        (variant,),
        (Io(0, 16),),
        (Io(16, 16),),
        (Entry(0, network), Entry(9, network, network, 1, 32, 20)),
        {"name": "test"},
    )
    if golden is None:
        return blob
    pairs = zip(golden_inputs(SEED, 16), WEIGHTS, strict=True)
    expected = bytes((i + w + golden) & 255 for i, w in pairs)
    return replace(blob, golden=Golden(expected, SEED))
