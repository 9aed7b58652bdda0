"""Numbered cases: within the limit, as evenly as possible, others for each commit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from tests.numeric.cases import COUNT, PAIRS, machine_shards, shards
from tests.sampling import LIMIT, few_of


class Options:
    """What sampling asks of pytest's configuration."""

    def __init__(self, **options: object) -> None:
        self.options: Mapping[str, object] = {
            "--sample-size": LIMIT,
            "--sample-seed": "a commit",
            **{f"--{key.replace('_', '-')}": value for key, value in options.items()},
        }

    def getoption(self, name: str) -> object:
        return self.options.get(name)


def config(**options: object) -> pytest.Config:
    return cast(pytest.Config, Options(**options))


CPUS = ("cortex-m4", "rv32imac")


def test_a_sample_is_within_the_limit_and_takes_every_operator() -> None:
    here, beyond = shards(config()), machine_shards(config(), CPUS)
    cases = [case for shard in (*here, *beyond) for case in shard.cases]
    assert len(cases) <= LIMIT
    tried_here, tried_beyond = (
        {(case.kind, case.dtype) for shard in found for case in shard.cases}
        for found in (here, beyond)
    )
    assert tried_here == set(PAIRS)
    assert len(tried_beyond) == min(len(PAIRS), LIMIT - len(PAIRS))


def test_another_commit_tries_others() -> None:
    assert shards(config()) == shards(config())
    assert shards(config()) != shards(config(sample_seed="another"))


def test_a_proof_tries_every_number_once() -> None:
    cases = [case for shard in shards(config(proof="exact")) for case in shard.cases]
    assert len(cases) == len(set(cases)) == COUNT * len(PAIRS) >= 20_000
    tried = {(s.target, c) for s in machine_shards(config(proof="exact"), CPUS) for c in s.cases}
    assert {(target, c.kind, c.dtype) for target, c in tried} == {
        (target, *pair) for target in CPUS for pair in PAIRS
    }


def test_a_case_is_repeated_alone() -> None:
    found = [*shards(config(case=7)), *machine_shards(config(case=7, all_cases=True), CPUS)]
    assert {case.number for shard in found for case in shard.cases} == {7}


class Case:
    """What sampling asks of a case of pytest."""

    def __init__(self, nodeid: str, few: int | None) -> None:
        self.nodeid, self._few = nodeid, few

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return None if self._few is None else getattr(pytest.mark, name)(self._few).mark


def test_few_cases_of_a_test_and_all_of_others() -> None:
    boards = [Case(f"test_a.py::test_board[{n}]", 2) for n in range(9)]
    pages = [Case(f"test_a.py::test_page[{n}]", 4) for n in range(3)]
    others = [Case(f"test_a.py::test_other[{n}]", None) for n in range(9)]
    items = cast(list[pytest.Item], [*boards, *pages, *others])
    kept = few_of(config(), items)
    assert kept == few_of(config(), items)
    assert kept[2:] == items[9:]
    assert {item.nodeid.partition("[")[0] for item in kept[:2]} == {"test_a.py::test_board"}
    assert len({str(few_of(config(sample_seed=f"{n}"), items)[:2]) for n in range(20)}) > 5
