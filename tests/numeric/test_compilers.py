"""GCC's programs beside ours: equal bytes, so nothing hangs on what C leaves open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from relocatable.codegen.toolchain import CodeOptimize
from tests.numeric.cases import PAIRS, Case, Shard, machine_shards, record_cases
from tests.numeric.second_compiler import differing
from tests.sampling import shuffled

pytestmark = pytest.mark.sim

CPUS = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
SAMPLED = 100
AT_ONCE = 64  # GCC is asked again, with other flags, for all of a program


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sampled" in metafunc.fixturenames:
        metafunc.parametrize("sampled", [sampled(metafunc.config)], ids=str)
    if "whole" in metafunc.fixturenames:
        shards = machine_shards(metafunc.config, CPUS, everything=True)
        metafunc.parametrize("whole", [part for s in shards for part in parts_of(s)], ids=str)


def parts_of(shard: Shard) -> list[Shard]:
    """Cut a shard into programs of some operators."""
    return [
        Shard(shard.cases[at : at + AT_ONCE], shard.target, f"{shard}-{at}")
        for at in range(0, len(shard.cases), AT_ONCE)
    ]


def sampled(config: pytest.Config) -> Shard:
    """Draw operators and the one CPU that they are tried on."""
    target = shuffled(config, CPUS, "compiled CPU")[0]
    pairs = shuffled(config, PAIRS, "compiled")[:SAMPLED]
    return Shard(tuple(Case(*pair, 0) for pair in pairs), target, target)


def wrong_of(shard: Shard, folder: Path) -> list[str]:
    optimize: CodeOptimize = "speed" if shard.cases[0].number % 2 else "size"
    found = differing([case.make() for case in shard.cases], shard.target, folder, optimize)
    return [f"{case}: {wrong}" for case, wrong in zip(shard.cases, found, strict=True) if wrong]


@pytest.mark.numbered_cases
def test_a_sample_gives_the_same_bytes(sampled: Shard, tmp_path: Path) -> None:
    wrong = wrong_of(sampled, tmp_path)
    assert not wrong, "\n".join(wrong)


@pytest.mark.proof("compilers")
@pytest.mark.numbered_cases
def test_every_operator_gives_the_same_bytes(
    whole: Shard, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    wrong = wrong_of(whole, tmp_path)
    record_cases(record_property, whole, len(wrong))
    assert not wrong, "\n".join(wrong)
