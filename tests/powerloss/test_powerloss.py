"""Cut the power at every flash operation, and again during the recovery."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from device_fw.build.core_program import core_flags, core_sources
from tests.c.core_build import HERE, make_blob

FLAGS = ["-std=gnu11", "-g", "-O2", "-pthread", *core_flags(), f"-I{HERE}"]
LIMIT_S = 1800

pytestmark = pytest.mark.xdist_group("powerloss")


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """Build the program, and three blobs that this machine runs."""
    if shutil.which("gcc") is None or platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("needs gcc, and a machine that blobs are made for")
    out = tmp_path_factory.mktemp("powerloss")
    program = out / "powerloss"
    sources = [*core_sources(), Path(__file__).with_name("powerloss.c")]
    subprocess.run(["gcc", *FLAGS, *map(str, sources), "-o", str(program)], check=True)
    blobs = []
    for i in range(3):
        blob = replace(make_blob(out), metadata={"name": "x" * (1 + 300 * i)})
        blobs.append(out / f"blob{i}")
        blobs[i].write_bytes(blob.pack())
    return program, blobs


def cuts(command: tuple[Path, list[Path]], geometry: int, first: int, second: int) -> int:
    program, blobs = command
    arguments = [str(a) for a in (program, geometry, first, second, *blobs)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    print(f"flash {geometry}:\n{done.stdout}")
    assert done.returncode == 0, done.stderr
    total = re.search(r"^(\d+) cuts, 0 losses$", done.stdout, re.M)
    assert total is not None
    return int(total[1])


@pytest.mark.parametrize("geometry", [0, 1, 2, 3, 4])
def test_old_or_new_whole_and_all_else_intact(
    command: tuple[Path, list[Path]], geometry: int
) -> None:
    assert cuts(command, geometry, 17, 13) > 1000


@pytest.mark.proof("powerloss")
def test_every_operation_and_every_one_of_the_recovery(command: tuple[Path, list[Path]]) -> None:
    assert cuts(command, 0, 1, 1) >= 100_000
