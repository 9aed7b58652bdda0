"""What a CPU lacks is compiled once for all boards that have it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from device_fw.boards import load_board
from device_fw.build.flags import Plan, kept_runtime
from device_fw.build.runtime import compile_once

COMPILE = "import sys; path = sys.argv[1].partition('=')[2]; print(1); open(path, 'x').write('it')"


def test_it_is_compiled_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "runtime" / "core.o"
    for _ in range(2):
        compile_once(kept, [sys.executable, "-c", COMPILE])
    assert kept.read_text() == "it"
    assert capfd.readouterr().out == "1\n"


def test_a_compiler_that_fails_leaves_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "core.o"
    for _ in range(2):
        with pytest.raises(subprocess.CalledProcessError):
            compile_once(kept, [sys.executable, "-c", f"{COMPILE}; sys.exit(3)"])
        assert not kept.exists()
        kept.with_suffix(".part").unlink()


def test_boards_with_one_core_share_it(tmp_path: Path) -> None:
    plan = Plan.of(load_board("netduinoplus2"), None, tmp_path)
    others = [replace(plan, board=load_board(name)) for name in ("mps2_an386", "mps2_an500")]
    m4, m7 = map(kept_runtime, others)
    assert kept_runtime(plan) == m4
    assert m4 != m7
