"""Run the C tests of device_fw/core on this machine, under sanitizers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.c.core_build import CORE, build_lines, make_blob

pytestmark = pytest.mark.xdist_group("core")


def run(*command: object) -> None:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "ok"


UNITS = ["test_check", "test_given_up", "test_link", "test_msgpack", "test_pool"]


@pytest.mark.parametrize("name", UNITS)
def test_unit(built: Path, name: str) -> None:
    run(built / name)


def test_hosts_on_three_lines(tmp_path: Path) -> None:
    run(build_lines(tmp_path))


def test_what_a_locked_board_takes_and_keeps(lockable: Path) -> None:
    run(lockable / "test_seals")


@pytest.mark.few(1)
@pytest.mark.parametrize("geometry", [0, 1, 2, 3])
def test_store_survives_every_power_cut(built: Path, geometry: int) -> None:
    run(built / "test_store", geometry)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("what", "rounds"), [("loader", 100000), ("server", 300000)])
def test_hostile_bytes(built: Path, tmp_path: Path, what: str, rounds: int, seed: int) -> None:
    blob = tmp_path / "blob"
    blob.write_bytes(make_blob(built).pack())
    run(built / "fuzz", what, blob, rounds, seed)


def test_error_texts_are_the_remarks_of_the_header() -> None:
    remark = re.compile(r"(XN_E_\w+) = -\d+,?\s*// (.*)")
    text = re.compile(r'\{(XN_E_\w+), "(.*)"\}')
    remarks = dict(remark.findall((CORE / "base" / "xn_status.h").read_text()))
    assert remarks == dict(text.findall((CORE / "base" / "xn_status.c").read_text()))
