"""Thousands of swaps, runs and events leave memory, handles and wear as they were."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from device_fw.build.folders import build_dir
from host_sdk.display.progress import count_progress
from tests.conftest import ROOT
from tests.sim.soak import FEW, Sample, grown, small_flash, soak, told

LINUX = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts what /proc tells")
BOARD = "mps3_an547"
SWAPS = 10_000
SOME = 20
KILLED_AFTER = 6
# Soaks in a process of its own, which tells how far it is.
CHILD = """
import sys
from pathlib import Path
from tests.sim.soak import soak
soak(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), lambda done, _: print(done, flush=True))
"""

CALM = Sample(
    0, heap=7000, objects=40_000, resident=9000, handles=8, threads=4, sectors=56, erases=0, worst=0
)


def life(**slopes: float) -> list[Sample]:
    """Make samples, of which some values grow by so much a sample."""
    made = []
    for i in range(100):
        values: dict[str, Any] = {**CALM._asdict(), "swaps": 100 * i, "erases": 560 * i}
        values["worst"] = 10 * i + 5
        for name, slope in slopes.items():
            values[name] += slope * i
        made.append(Sample(**values))
    return made


@pytest.mark.parametrize(
    ("name", "slope"),
    [("heap", 16), ("objects", 10), ("resident", 5), ("handles", 0.1), ("threads", 0.05)],
)
def test_what_grows_is_said(name: str, slope: float) -> None:
    assert [said.partition(":")[0] for said in grown(life(**{name: slope}))] == [name]


def test_what_is_flat_is_not() -> None:
    assert grown(life()) == []
    assert grown(life(heap=16)[: FEW - 1]) == []  # too few to say it


def test_wear_that_grows_is_said() -> None:
    more = [s._replace(erases=s.erases * (1 + i // 60)) for i, s in enumerate(life())]
    assert [said.partition(":")[0] for said in grown(more)] == ["erases of a sector"]
    assert [said.partition(":")[0] for said in grown(life(worst=8))] == [
        "erases of the worst sector"
    ]


@pytest.mark.sim
@LINUX
def test_a_soak_that_was_killed_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, BOARD, str(tmp_path), str(SOME)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        while int(child.stdout.readline()) < KILLED_AFTER:
            pass
        child.kill()
    done: list[int] = []
    progress = soak(BOARD, tmp_path, SOME, lambda so_far, _: done.append(so_far))
    assert done == list(range(done[0], SOME + 1))
    assert done[0] > KILLED_AFTER
    assert [len(samples) for samples in progress.lives] == [done[0] - 1, len(done)]
    assert [grown(samples) for samples in progress.lives] == [[], []]


@pytest.mark.sim
@LINUX
@pytest.mark.proof("soak")
def test_nothing_grows(record_property: Any) -> None:
    folder = build_dir() / "soak"
    folder.mkdir(exist_ok=True)
    with count_progress(True, "swaps") as show:
        progress = soak(str(small_flash(folder)), folder, SWAPS, show)
    (folder / "progress.json").unlink()  # the next soak begins again
    record_property("figures", told(progress))
    assert [grown(samples) for samples in progress.lives] == [[] for _ in progress.lives]
