"""Tiers, samples and proofs: every case in one place, every figure as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sampling import sample_of
from tools.exactness import read_toml, to_toml
from tools.proofs import PAGE, PROOFS, Figures, count, replace_row, row
from tools.tiers import PYTEST, TIERS, Outcome

CASES = [f"tests/numeric/test_a.py::test_{f}[{n}]" for f in "abc" for n in range(50)]
CASES.append("tests/numeric/test_a.py::test_alone")


def test_a_sample_takes_from_every_function() -> None:
    sample = sample_of(CASES, 10, "a commit")
    assert len(set(sample)) == 10
    assert len({case.partition("[")[0] for case in sample}) == 4


def test_a_sample_is_the_seeds() -> None:
    assert sample_of(CASES, 20, "a") == sample_of(CASES[::-1], 20, "a")
    assert sample_of(CASES, 20, "a") != sample_of(CASES, 20, "b")
    assert sorted(sample_of(CASES, 1000, "a")) == sorted(CASES)


def test_every_proof_has_a_line() -> None:
    page = PAGE.read_text(encoding="utf-8")
    figures = Figures(passed=41, failed=0, skipped=2, seconds=90)
    for name in PROOFS:
        page = replace_row(page, name, row(name, figures, "2026-01-02", "abc1234"))
    lines = [line for line in page.splitlines() if "| abc1234 | 41 passed, 2 skipped |" in line]
    assert len(lines) == len(PROOFS)
    with pytest.raises(ValueError, match="must hold one line of the proof attic"):
        replace_row(page, "attic", "")


def test_figures_are_those_of_the_run() -> None:
    junit = '<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3"/></testsuites>'
    assert count(junit, 5) == Figures(passed=3, failed=3, skipped=3, seconds=5)
    assert "3 **failed**, 3 passed" in row("fuzz", count(junit, 5), "2026-01-02", "abc1234")


def test_cases_are_counted_where_they_ran() -> None:
    junit = """<testsuites><testsuite tests="3" failures="1" errors="0" skipped="0">
    <testcase><properties><property name="cases" value="host; 25; int8; CONV_2D"/>
    <property name="differences" value="0"/></properties></testcase>
    <testcase><properties><property name="cases" value="host; 24; float32 by int8; CONV_2D"/>
    <property name="differences" value="2"/></properties><failure/></testcase>
    <testcase><properties><property name="cases" value="cortex-m4; 1; int32; CUSTOM A"/>
    <property name="cases" value="cortex-m4; 2; int8; ADD"/></properties></testcase>
    </testsuite></testsuites>"""
    figures = count(junit, 1)
    assert figures.cases.here == {("CONV_2D", "int8"): 25, ("CONV_2D", "float32 by int8"): 24}
    assert figures.cases.machines == {"cortex-m4": 3}
    line = row("exact", figures, "2026-01-02", "abc1234")
    assert "49 one-operator cases here and 3 on virtual CPUs, **2 differ**" in line
    assert read_toml(to_toml(figures.cases, "a day", "abc")) == (figures.cases, "a day", "abc")


def test_an_outcome_tells_times() -> None:
    assert str(Outcome(TIERS[0], 61.2, True)).startswith("tier 1  passed   1:01 of  4:00")
    assert str(Outcome(TIERS[0], 241, False)).endswith("over its limit")


GROUPED = """
import pytest

@pytest.mark.xdist_group("one")
@pytest.mark.parametrize("i", range(6))
def test_somewhere(worker_id: str, i: int) -> None:
    with open("workers", "a") as file:
        print(worker_id, file=file)
"""


def test_a_group_is_run_by_one_worker(tmp_path: Path) -> None:
    """What a group shares, such as a firmware, would else be built by each worker."""
    (tmp_path / "test_grouped.py").write_text(GROUPED)
    command = [sys.executable, *PYTEST, "-n", "2", "-p", "no:cacheprovider", str(tmp_path)]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert len({*(tmp_path / "workers").read_text().splitlines()}) == 1
