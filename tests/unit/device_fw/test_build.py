"""The firmware's build makes again what changed; failures carry their words."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from device_fw import boards
from device_fw.boards import load_board, read_board, virtual_names
from device_fw.build import firmware_path, size
from device_fw.build.core_program import core_sources
from device_fw.build.flags import Plan
from device_fw.build.ninja import command_line, run_ninja
from device_fw.build.ninja_file import ninja_text
from device_fw.build.sources import CORE_DIR, FIRMWARE_DIR, PARTS_DIR
from device_fw.errors import CompileError, FirmwareError
from tests.unit.device_fw.micropython_tree import make_micropython

ninja_syntax = pytest.importorskip("ninja.ninja_syntax", reason="needs xipnet[compile]")

FOR_THE_LOCK = {
    *(CORE_DIR / "trust").glob("*.c"),
    *(FIRMWARE_DIR / "vendor").rglob("*.c"),
}

# Copies its input, and writes a depfile with a space in a name.
COPY = """
import sys, pathlib
source, output = map(pathlib.Path, sys.argv[1:3])
output.write_text(source.read_text())
name = str(source).replace(" ", "\\\\ ")
pathlib.Path(f"{output}.d").write_text(f"{output}: {name} \\\\\\n  {name}\\n")
"""


def nothing(done: int, count: int) -> None:
    pass


def write_build(folder: Path, command: str, source: Path, output: Path) -> Path:
    text = io.StringIO()
    out = ninja_syntax.Writer(text, width=100_000)
    out.rule("copy", command, depfile="$out.d", deps="gcc")
    out.build([str(output)], "copy", [str(source)])
    build = folder / "build.ninja"
    build.write_text(text.getvalue())
    return build


def test_only_what_changed_is_made(tmp_path: Path) -> None:
    script, source, output = tmp_path / "copy.py", tmp_path / "a b.c", tmp_path / "out" / "a.o"
    script.write_text(COPY)
    source.write_text("1")
    command = command_line([sys.executable, str(script)]) + " $in $out"
    build = write_build(tmp_path, command, source, output)
    assert run_ninja(build, tmp_path, nothing) == 1
    assert run_ninja(build, tmp_path, nothing) == 0
    later = output.stat().st_mtime_ns + 10**9
    os.utime(source, ns=(later, later))
    assert run_ninja(build, tmp_path, nothing) == 1
    os.utime(output, ns=(later + 10**9, later + 10**9))
    write_build(tmp_path, command + " another", source, output)
    assert run_ninja(build, tmp_path, nothing) == 1
    output.unlink()
    assert run_ninja(build, tmp_path, nothing) == 1


def test_a_failure_carries_command_and_words(tmp_path: Path) -> None:
    source = tmp_path / "x.c"
    source.write_text("")
    command = (sys.executable, "-c", "raise SystemExit('no such thing')")
    build = write_build(tmp_path, command_line(command), source, tmp_path / "x.o")
    for _ in range(2):  # it is not taken for made
        with pytest.raises(CompileError, match="no such thing") as failure:
            run_ninja(build, tmp_path, nothing)
        assert failure.value.what == "x.o"
        assert failure.value.command == command
        assert failure.value.stderr == "no such thing"


def test_a_build_file_that_is_none_is_told(tmp_path: Path) -> None:
    build = tmp_path / "build.ninja"
    build.write_text("no build file\n")
    with pytest.raises(FirmwareError, match=r"ninja: .*build\.ninja:1"):
        run_ninja(build, tmp_path, nothing)


def test_a_new_board_is_a_toml(tmp_path: Path) -> None:
    """CONTRIBUTING's recipe; a C file beside the TOML is a part of its own."""
    described = (boards.BOARDS_DIR / "mps2_an386.toml").read_text(encoding="utf-8")
    path = tmp_path / "dummy.toml"
    described = described.replace("cortex-m4", "cortex-m33").replace("nor_ram", "own_flash")
    path.write_text(described, encoding="utf-8")
    micropython = make_micropython(tmp_path / "mp")
    with pytest.raises(FirmwareError, match=r"\[flash\] part must .* nor_ram.*is 'own_flash'"):
        Plan.of(read_board(path), micropython, tmp_path / "out")
    (tmp_path / "own_flash.c").write_text("")
    plan = Plan.of(read_board(path), micropython, tmp_path / "out")
    assert tmp_path / "own_flash.c" in plan.sources.own
    assert PARTS_DIR / "uart_cmsdk.c" in plan.sources.own
    text = ninja_text(plan)
    assert '-DXN_BOARD_NAME="dummy"' in text
    assert "-mcpu=cortex-m33" in text
    assert str(tmp_path / "out" / "dummy" / "board.ld").replace(":", "$:") in text.replace(
        "$$", "$"
    )


def test_only_a_lockable_firmware_holds_what_is_for_the_lock(tmp_path: Path) -> None:
    micropython = make_micropython(tmp_path / "mp")
    for name, lockable in (("mps2_an386", False), ("mps2_an386-lockable", True)):
        plan = Plan.of(load_board(name), micropython, tmp_path / "out")
        assert f"-DXN_LOCKABLE={int(lockable)} " in ninja_text(plan)
        assert plan.elf == tmp_path / "out" / f"{name}.elf"
        sources = {*plan.sources.own, *plan.sources.plain}
        assert (sources & FOR_THE_LOCK == FOR_THE_LOCK) == lockable
        assert lockable or not sources & FOR_THE_LOCK
    for lockable in (False, True):
        sources = set(core_sources(lockable))
        assert sources & FOR_THE_LOCK == (FOR_THE_LOCK if lockable else set())


@pytest.mark.sim
@pytest.mark.parametrize("name", virtual_names())
def test_the_firmware_is_as_small_as_its_board_says(name: str) -> None:
    text, limit = size.text_bytes(firmware_path(name)), load_board(name).text_max
    assert 0 < text <= limit, f"{text - limit:,} bytes too many"


@pytest.mark.sim
def test_a_firmware_that_is_up_to_date_loads_no_large_module() -> None:
    """Each opening of a virtual board asks for its firmware."""
    code = "import sys; from device_fw.build import firmware_path as path; path('mps2_an386'); "
    code += "print(*sys.modules)"
    firmware_path("mps2_an386")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "device_fw.build.ninja_file" in loaded
    assert not loaded & {"rich", "elftools", "tarfile", "numpy"}


@pytest.mark.sim
def test_a_firmware_that_is_too_large_is_refused(tmp_path: Path) -> None:
    built, to = firmware_path("mps2_an386"), tmp_path / "fw.elf"
    text = size.text_bytes(built)
    size.main([str(built), str(to), "--max", str(text)])
    assert to.read_bytes() == built.read_bytes()
    to.unlink()
    with pytest.raises(SystemExit, match=r"100 more than text_max of its TOML"):
        size.main([str(built), str(to), "--max", str(text - 100)])
    assert not to.exists()
