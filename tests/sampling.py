"""Run a sample of the exactness cases, chosen by the commit.

A sweep has more cases than fit into a quick run, and each commit tries others. The seed is printed
at the start of a run; `--sample-seed` or XIPNET_SAMPLE_SEED repeats a sample, `--all-cases` runs
everything.

Cases of one operator are numbered: a test asks here which numbers it shall run. Other tests of
`tests/numeric` are chosen as pytest collects them. A test anywhere that has one case for each of
many boards, pages or files is marked `few(n)`: n of its cases are run.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

LIMIT = 600  # cases of one run
FOLDER = "tests/numeric/"
NUMBERED = "numbered_cases"  # mark of tests that asked which cases they shall run
FEW = "few"  # mark of tests of which few cases are run

T = TypeVar("T")


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options of sampling."""
    group.addoption("--sample-seed", metavar="TEXT", help="choose exactness cases by this text")
    group.addoption("--sample-size", type=int, default=LIMIT, help="exactness cases of a run")
    group.addoption("--all-cases", action="store_true", help="run every exactness case")
    group.addoption("--case", type=int, metavar="N", help="run case N of each operator alone")


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
    if runs_all(config):
        return "exactness: all cases"
    size = config.getoption("--sample-size")
    return f"exactness: at most {size} cases, --sample-seed {seed(config)}"


def is_exactness(item: pytest.Item) -> bool:
    """Say whether a test compares numbers bit by bit."""
    return item.nodeid.startswith(FOLDER)


def runs_all(config: pytest.Config) -> bool:
    """Say whether no sample is drawn."""
    return bool(config.getoption("--all-cases") or config.getoption("--proof") == "exact")


def draw_numbers(
    config: pytest.Config, groups: Sequence[str], count: int, most: int
) -> dict[str, tuple[int, ...]]:
    """Draw cases of numbered groups: as many of each, as far as the limit goes.

    Args:
        config: the run's options.
        groups: names of groups of cases.
        count: cases of each group, whose numbers count from 0.
        most: cases that are drawn in all.

    Returns:
        The numbers by group; of some groups none, if there are more groups than cases.
    """
    if (one := config.getoption("--case")) is not None:
        return dict.fromkeys(groups, (one,))
    order = shuffled(config, groups, "groups")
    each, rest = divmod(most, max(len(order), 1))
    return {
        group: tuple(sorted(shuffled(config, range(count), group)[: each + (i < rest)]))
        for i, group in enumerate(order)
    }


def shuffled(config: pytest.Config, values: Sequence[T], what: str) -> list[T]:
    """Put values into an order that follows from the seed.

    Args:
        config: the run's options.
        values: in an order that is the same everywhere.
        what: they are; others get another order.
    """
    text = f"{seed(config)} {what}"
    found = list(values)
    random.Random(hashlib.sha256(text.encode()).digest()).shuffle(found)
    return found


def choose(config: pytest.Config, items: list[pytest.Item]) -> list[pytest.Item]:
    """Leave out the cases that are not in the sample.

    Args:
        config: the run's options.
        items: all tests that would be run.
    """
    if runs_all(config):
        return items
    cases = [item.nodeid for item in items if is_drawn(item)]
    sample = set(sample_of(cases, config.getoption("--sample-size"), seed(config)))
    return few_of(config, [item for item in items if item.nodeid in sample or not is_drawn(item)])


def few_of(config: pytest.Config, items: list[pytest.Item]) -> list[pytest.Item]:
    """Leave of each test that is marked `few(n)` n cases."""
    functions: dict[tuple[str, int], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if mark := item.get_closest_marker(FEW):
            functions[function_of(item.nodeid), mark.args[0]].append(item)
    left_out: set[pytest.Item] = set()
    for (name, count), cases in functions.items():
        left_out.update(shuffled(config, cases, name)[count:])
    return [item for item in items if item not in left_out]


def function_of(case: str) -> str:
    """Name the test function of a case, `file::function[parameters]`."""
    return case.partition("[")[0]


def is_drawn(item: pytest.Item) -> bool:
    """Say whether a test as a whole is one case, of which a sample is drawn."""
    return is_exactness(item) and item.get_closest_marker(NUMBERED) is None


def sample_of(cases: list[str], size: int, text: str) -> list[str]:
    """Draw cases at random, as evenly as possible from all test functions.

    Args:
        cases: ids of pytest, `file::function[parameters]`.
        size: how many are drawn at most.
        text: the seed.
    """
    functions: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        functions[function_of(case)].append(case)
    generator = random.Random(hashlib.sha256(text.encode()).digest())
    for name in sorted(functions):
        functions[name].sort()
        generator.shuffle(functions[name])
    rounds = sorted(((i, case) for group in functions.values() for i, case in enumerate(group)))
    return [case for _, case in rounds[:size]]
