"""Run a long proof and write date, commit and figures into docs/PROOFS.md.

python -m tools.proofs exact
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tools import exactness, networks
from tools.junit import counts, properties, run_pytest
from tools.tree import commit

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "PROOFS.md"

# What each proof shows. Its tests are marked `proof("name")`; "exact" and "models" choose their
# tests in tests/conftest.py.
PROOFS = {
    "exact": "every exactness case of every operator, in speed and size builds, against LiteRT's"
    " reference kernels",
    "models": "large models, and the networks of NETWORKS.md: every tensor on the host, outputs on"
    " virtual boards",
    "powerloss": "a cut at every flash operation and at every operation of the recovery, also of"
    " locking, keys, counters and sealed uploads; 10,000 swaps with cuts, and no downgrade",
    "fuzz": "the server, the loader, the scan of code, Python values, seals and orders under"
    " libFuzzer and sanitizers, 25 million executions; wrong answers and metadata on the host;"
    " blobs and programs that host and board must judge alike",
    "mutants": "100,000 damaged .tflite files, each a blob or a typed error within 10 s of the"
    " processor and 1 GB; every 100th compiled whole, and run beside LiteRT if it takes it",
    "attack": "1,000 attack programs and 100,000 random words a board, behind the scan of code",
    "wire": "100,000 hostile requests a virtual board: each well after every batch of 40",
    "faces": "BlazeFace, three networks, on virtual boards: boxes and keypoints within a pixel of"
    " its own package's, and 468 points of each face",
    "pico": "the Raspberry Pi Pico's image in an emulator of its chip: coins, 30 cuts of power",
    "stm32l4": "the image of an STM32L475 starts, and says what it is, in a newer QEMU from"
    " Debian's backports",
    "endurance": "worn flash, killed uploads, random use, in their long versions",
    "soak": "10,000 swaps with ten runs and ten events each on a virtual board with little flash:"
    " memory, handles and wear are flat",
    "repeat": "blobs, images and the wheel from one source in two places, byte for byte: two paths,"
    " users, dates, environments",
    "compilers": "the kernels built by GCC, too: every operator on virtual CPUs gives the same"
    " bytes",
    "library": "libxipnet in programs of others: both examples, by two compilers, on two virtual"
    " CPUs; its size; its manifests",
    "cases": "every case of the tests of which CI runs a few: boards, pages, models, sizes",
    "convert": "models of Keras, ONNX and PyTorch, by their converters: .keras, .h5, SavedModels,"
    " .onnx, .pt2, live ones give their outputs, on virtual boards too; hostile files run nothing",
    "train": "the training scripts of examples with --quick: what they write has the accuracy, the"
    " zeros, the few values and the sizes that it is made for, on virtual boards, too",
    "wakeword": "features and scores beside the package pymicro-wakeword, live; boards hear what"
    " the host hears, run for run",
}
# Proofs that take hours; in a single process, whose bars are seen.
WITH_BARS = ("soak",)


@dataclass(frozen=True)
class Figures:
    """What a run of pytest came to.

    Attributes:
        passed: tests that passed.
        failed: tests that failed or could not start.
        skipped: tests that need what this machine lacks.
        seconds: how long all took.
        cases: one-operator cases that were tried.
        differences: cases among them that differed.
        notes: what tests recorded as their figures.
    """

    passed: int
    failed: int
    skipped: int
    seconds: float
    cases: exactness.Cases = field(default_factory=exactness.Cases)
    differences: int = 0
    notes: tuple[str, ...] = ()


def run(name: str) -> tuple[str, float]:
    """Run the tests of a proof; return pytest's report and how many seconds they took.

    Args:
        name: one of PROOFS.
    """
    begin = time.monotonic()
    report = run_pytest("--proof", name, *(("-n", "0", "-s") if name in WITH_BARS else ()))
    return report, time.monotonic() - begin


def count(report: str, seconds: float) -> Figures:
    """Read the figures from pytest's report.

    Args:
        report: XML.
        seconds: how long the run took.
    """
    number = counts(report)
    failed = number["failures"] + number["errors"]
    cases = exactness.Cases()
    for text in properties(report, "cases"):
        cases.add(text)
    return Figures(
        passed=number["tests"] - failed - number["skipped"],
        failed=failed,
        skipped=number["skipped"],
        seconds=seconds,
        cases=cases,
        differences=sum(map(int, properties(report, "differences"))),
        notes=tuple(properties(report, "figures")),
    )


def row(name: str, figures: Figures, date: str, commit: str) -> str:
    """Write a proof's line of the table."""
    minutes = f"{figures.seconds / 60:.1f}"
    verdict = f"{figures.failed} **failed**, {figures.passed}" if figures.failed else figures.passed
    skipped = f", {figures.skipped} skipped" if figures.skipped else ""
    notes = "".join(f"; {note}" for note in figures.notes)
    result = f"{verdict} passed{skipped}{cases_text(figures)}{notes}"
    cores = f"{os.cpu_count()} cores"
    return f"| `{name}` | {PROOFS[name]} | {date} | {commit} | {result} | {minutes} min, {cores} |"


def cases_text(figures: Figures) -> str:
    """Say how many one-operator cases a proof tried; "" if none."""
    here, beyond = figures.cases.here.total(), figures.cases.machines.total()
    if not here + beyond:
        return ""
    differ = f"**{figures.differences} differ**" if figures.differences else "0 differ"
    places = (
        f"{here:,} one-operator cases here and {beyond:,}"
        if here
        else f"{beyond:,} one-operator cases"
    )
    return f"; {places} on virtual CPUs, {differ}"


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
    if name == "models":
        networks.write_files()
    report, seconds = run(name)
    figures = count(report, seconds)
    today = datetime.date.today().isoformat()
    line = row(name, figures, today, at)
    if figures.cases.here and not figures.failed:
        exactness.PAGE.write_text(exactness.to_toml(figures.cases, today, at), encoding="utf-8")
    if name == "models":
        networks.keep(map(json.loads, properties(report, "network")), at)
        networks.write_page()
    PAGE.write_text(replace_row(PAGE.read_text(encoding="utf-8"), name, line), encoding="utf-8")
    print(line)
    sys.exit(0 if figures.passed and not figures.failed else 1)


if __name__ == "__main__":
    main()
