"""Hostile requests cost their own answers alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from device_fw.boards import virtual_names
from tests.sim import hostile_board
from tests.sim.hostile_board import hostile_run, smallest
from tests.sim.hostile_requests import METHODS, Request, batch, pack

BOARDS = pytest.mark.parametrize("board", virtual_names(vm=True))
SEED = "20261130"
MANY, SOME = 100_000, 350


def test_a_seed_gives_the_same_requests() -> None:
    assert batch("a", 50) == batch("a", 50) != batch("b", 50)


def test_every_method_is_asked_for() -> None:
    asked = {item.method for item in batch("a", 3000) if isinstance(item, Request)}
    assert asked >= {pack(name) for name in (*METHODS, "reset")}


def test_the_smallest_that_fails_is_found() -> None:
    def fails(items: Sequence[int]) -> bool:
        return 17 in items and 40 in items and items.index(17) < items.index(40)

    assert smallest(range(50), fails) == [17, 40]


@pytest.mark.sim
def test_harm_is_found_and_its_cause_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board whose kept object is removed is unwell, and it was the removal."""

    def two(seed: str, size: int) -> list[Any]:
        return [*batch(seed, size), Request(pack("rm"), (pack("kept"),))]

    monkeypatch.setattr(hostile_board, "batch", two)
    with pytest.raises(AssertionError, match="seed 'x', batch 0: RefusedError") as failure:
        hostile_run("mps2_an386", tmp_path, "x", 100)
    [line] = str(failure.value).splitlines()[1:]
    assert eval(line, {"Request": Request}).method == pack("rm")


@pytest.mark.sim
@BOARDS
def test_some_hostile_requests(board: str, tmp_path: Path) -> None:
    hostile_run(board, tmp_path, SEED, SOME)


@pytest.mark.sim
@pytest.mark.proof("wire")
@BOARDS
def test_many_hostile_requests(board: str, tmp_path: Path, record_property: Any) -> None:
    record_property("figures", hostile_run(board, tmp_path, SEED, MANY))
