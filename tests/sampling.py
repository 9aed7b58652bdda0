"""Run a sample of the exactness cases, chosen by the commit.

A sweep has more cases than fit into a quick run, and each commit tries others. The seed is printed
at the start of a run; `--sample-seed` or XIPNET_SAMPLE_SEED repeats a sample, `--all-cases` runs
everything.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

LIMIT = 1000  # cases of one run
FOLDER = "tests/numeric/"


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options of sampling."""
    group.addoption("--sample-seed", metavar="TEXT", help="choose exactness cases by this text")
    group.addoption("--sample-size", type=int, default=LIMIT, help="exactness cases of a run")
    group.addoption("--all-cases", action="store_true", help="run every exactness case")


@cache
def commit() -> str:
    """Name the commit that is checked out; a fixed text outside of git."""
    command = ["git", "rev-parse", "HEAD"]
    here = Path(__file__).parent
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def seed(config: pytest.Config) -> str:
    """Choose the sample's seed: the option, the environment, the commit."""
    named = config.getoption("--sample-seed") or os.environ.get("XIPNET_SAMPLE_SEED")
    return named or commit()


def describe(config: pytest.Config) -> str:
    """Say which sample is run."""
    if config.getoption("--all-cases"):
        return "exactness: all cases"
    size = config.getoption("--sample-size")
    return f"exactness: at most {size} cases, --sample-seed {seed(config)}"


def is_exactness(item: pytest.Item) -> bool:
    """Say whether a test compares numbers bit by bit."""
    return item.nodeid.startswith(FOLDER)


def choose(config: pytest.Config, items: list[pytest.Item]) -> list[pytest.Item]:
    """Leave out the exactness cases that are not in the sample.

    Args:
        config: the run's options.
        items: all tests that would be run.
    """
    if config.getoption("--all-cases"):
        return items
    cases = [item.nodeid for item in items if is_exactness(item)]
    sample = set(sample_of(cases, config.getoption("--sample-size"), seed(config)))
    return [item for item in items if item.nodeid in sample or not is_exactness(item)]


def sample_of(cases: list[str], size: int, text: str) -> list[str]:
    """Draw cases at random, as evenly as possible from all test functions.

    Args:
        cases: ids of pytest, `file::function[parameters]`.
        size: how many are drawn at most.
        text: the seed.
    """
    functions: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        functions[case.partition("[")[0]].append(case)
    generator = random.Random(hashlib.sha256(text.encode()).digest())
    for name in sorted(functions):
        functions[name].sort()
        generator.shuffle(functions[name])
    rounds = sorted(((i, case) for group in functions.values() for i, case in enumerate(group)))
    return [case for _, case in rounds[:size]]
