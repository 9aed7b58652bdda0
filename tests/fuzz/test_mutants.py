"""Damaged .tflite files: each a blob or a typed error, within 10 s and 1 GB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz import mutant_hunt
from tests.fuzz.mutant_hunt import Tally, Worker, hunt, hunt_once, shrink
from tests.fuzz.mutant_worker import WHOLE, fate_of
from tests.fuzz.mutants import mutant
from tests.sampling import shuffled
from tools.tree import commit

ALL, BATCH, SAMPLE = 100_000, 5_000, 300


def test_a_sample_of_the_mutants(request: pytest.FixtureRequest) -> None:
    front = [number for number in range(ALL) if number % WHOLE]
    whole = range(0, ALL, WHOLE)
    drawn = shuffled(request.config, front, "mutants")[:SAMPLE]
    drawn += shuffled(request.config, whole, "whole mutants")[:4]
    tally = hunt(drawn)
    assert not tally.wrong, "\n".join(tally.wrong)
    assert tally.fates["refused"] > tally.fates["taken"] > 0


@pytest.mark.proof("mutants")
@pytest.mark.parametrize("first", range(0, ALL, BATCH))
def test_mutants(first: int, record_property: Callable[[str, object], None]) -> None:
    tally = hunt_once(range(first, first + BATCH), commit())
    fates = ", ".join(f"{count:,} {fate}" for fate, count in tally.fates.most_common())
    figures = f"{first:,}..: {fates}; {tally.seconds:g} s, {tally.megabytes} MB at most"
    record_property("figures", figures)
    assert not tally.wrong, "\n".join(tally.wrong)


def test_a_mutant_is_the_same_each_time() -> None:
    assert [mutant(i) for i in range(20)] == [mutant(i) for i in range(20)]
    assert mutant(1) != mutant(1, seed=1)


def test_what_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr("tests.fuzz.mutant_worker.read_network", fail)
    assert fate_of(b"", 2).startswith("WRONG: untyped KeyError in ")


def test_a_worker_that_dies_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutant_hunt, "_PATIENCE", 0.0)
    worker = Worker()
    try:
        assert worker.ask("1")["fate"] == "WRONG: ended with -9"
    finally:
        worker.close()


def test_a_hunt_that_ended_well_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hunts = [Tally(wrong=["mutant 5"]), Tally(Counter(taken=3), seconds=0.5, megabytes=70), Tally()]
    monkeypatch.setattr(mutant_hunt, "KEPT", tmp_path)
    monkeypatch.setattr(mutant_hunt, "hunt", lambda _: hunts.pop(0))
    assert hunt_once(range(5, 8), "one").wrong
    well = hunt_once(range(5, 8), "one")
    assert well.fates == {"taken": 3}
    assert hunt_once(range(5, 8), "one") == well
    assert hunt_once(range(5, 8), "another") == Tally()


def test_a_mutant_is_made_smaller() -> None:
    data = bytes(range(1, 65))
    small = shrink(data, lambda found: found[40] == data[40], 200)
    assert small == bytes(40) + data[40:44] + bytes(20)
