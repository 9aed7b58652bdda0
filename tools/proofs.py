"""Run a long proof and write date, commit and figures into docs/PROOFS.md.

python -m tools.proofs exact
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "PROOFS.md"

# What each proof shows. Its tests are marked `proof("name")`; "exact" and "models" choose their
# tests in tests/conftest.py.
PROOFS = {
    "exact": "every exactness case of every operator, against LiteRT's reference kernels",
    "models": "large models: every tensor on the host, outputs on every virtual board",
    "powerloss": "a cut at every flash operation and at every operation of the recovery",
    "fuzz": "the C core and its corpus under libFuzzer and sanitizers",
    "attack": "1,000 attack programs and 100,000 random words a board, behind the scan of code",
    "pico": "the Raspberry Pi Pico's image in an emulator of its chip: coins, 30 cuts of power",
    "endurance": "worn flash, killed uploads, random use, in their long versions",
}


@dataclass(frozen=True)
class Figures:
    """What a run of pytest came to.

    Attributes:
        passed: tests that passed.
        failed: tests that failed or could not start.
        skipped: tests that need what this machine lacks.
        seconds: how long all took.
    """

    passed: int
    failed: int
    skipped: int
    seconds: float


def run(name: str) -> Figures:
    """Run the tests of a proof.

    Args:
        name: one of PROOFS.
    """
    jobs = os.environ.get("JOBS", "auto")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        options = ("-n", jobs, "--dist", "loadgroup", "--proof", name, f"--junit-xml={report}")
        subprocess.run([sys.executable, "-m", "pytest", *options], cwd=ROOT, check=False)
        return count(report.read_text(encoding="utf-8"), time.monotonic() - begin)


def count(junit: str, seconds: float) -> Figures:
    """Read the figures from pytest's report.

    Args:
        junit: the report's XML.
        seconds: how long the run took.
    """
    suite = ElementTree.fromstring(junit).find("testsuite")
    if suite is None:
        raise ValueError("the report of pytest has no test suite")
    number = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
    failed = number["failures"] + number["errors"]
    return Figures(number["tests"] - failed - number["skipped"], failed, number["skipped"], seconds)


def commit() -> str:
    """Name the commit, and say if files other than pages differ from it."""
    head = git("describe", "--always", "--exclude=*")
    return f"{head}-dirty" if git("status", "--porcelain", "--", ".", ":!docs") else head


def git(*arguments: str) -> str:
    """Ask git about this tree."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def row(name: str, figures: Figures, date: str, commit: str) -> str:
    """Write a proof's line of the table."""
    minutes = f"{figures.seconds / 60:.1f}"
    verdict = f"{figures.failed} **failed**, {figures.passed}" if figures.failed else figures.passed
    skipped = f", {figures.skipped} skipped" if figures.skipped else ""
    result = f"{verdict} passed{skipped}"
    cores = f"{os.cpu_count()} cores"
    return f"| `{name}` | {PROOFS[name]} | {date} | {commit} | {result} | {minutes} min, {cores} |"


def replace_row(page: str, name: str, line: str) -> str:
    """Put a proof's line into the page.

    Args:
        page: the text of docs/PROOFS.md.
        name: the proof.
        line: its new line.
    """
    changed, found = re.subn(rf"^\| `{name}` \|.*$", lambda _: line, page, flags=re.M)
    if found != 1:
        raise ValueError(f"docs/PROOFS.md must hold one line of the proof {name}; has {found}")
    return changed


def main() -> None:
    """Run the proof that is named and note its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=PROOFS)
    name = parser.parse_args().name
    at = commit()  # before the page changes
    figures = run(name)
    line = row(name, figures, datetime.date.today().isoformat(), at)
    PAGE.write_text(replace_row(PAGE.read_text(encoding="utf-8"), name, line), encoding="utf-8")
    print(line)
    sys.exit(0 if figures.passed and not figures.failed else 1)


if __name__ == "__main__":
    main()
