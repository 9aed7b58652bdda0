"""The scan refuses attacks; behind it they cost their run alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from device_fw.boards import virtual_names
from relocatable.targets.thumb_scan import scan
from tests.sim.attacks import ATTACKS, RETURN, attack, blob_of, words
from tests.sim.machine import Machine, RefusedError
from tests.sim.unscanned import unscanned_firmware

pytestmark = pytest.mark.sim

BLOB = 1
E_CODE, E_STEP, E_FAULT, E_DEADLINE = -49, -63, -66, -67
LIMIT_MS = 20
AGAIN_S = 10.0  # when a request is sent again
# A busy computer takes seconds for a long frame, byte by byte, which may end it by a silence.
PATIENCE_S = 300.0
PIECE_BYTES = 512
SEED = 20260729
IN_A_BLOB = 2000


def run_all(machine: Machine, programs: Sequence[bytes]) -> Counter[int]:
    """Run programs behind the scan; count how they end. The board must be as before."""
    ends: Counter[int] = Counter()
    resets = machine.call("hello", 1)["boot"]["resets"]
    for at in range(0, len(programs), IN_A_BLOB):
        some = programs[at : at + IN_A_BLOB]
        machine.put("attacks", BLOB, blob_of(some), activate=True)
        for i, program in enumerate(some):
            try:
                machine.call("run", 1 + i, [b"a"])
                ends[0] += 1
            except RefusedError as refusal:
                ends[refusal.args[0]] += 1
            if i % 100 == 99 or i == len(some) - 1:
                last = [p.hex() for p in some[max(0, i - 99) : i + 1]]
                assert machine.call("hello", 1)["boot"]["resets"] == resets, last
                assert machine.call("eval", "sum(i * 0.5 for i in range(9))") == 18.0, last
                assert machine.call("run", 0, [b"a"])["result"] == b"b", last
            assert not machine.notes, program.hex()
    assert set(ends) <= {0, E_STEP, E_FAULT, E_DEADLINE}
    return ends


def attacks(count: int) -> list[bytes]:
    r = random.Random(SEED)
    names = list(ATTACKS)
    return [attack(r, names[i % len(names)]) for i in range(count)]


def random_words(count: int) -> list[bytes]:
    r = random.Random(SEED + 1)
    return [words(r) for _ in range(count)]


def contained(board: str, folder: Path, programs: Sequence[bytes]) -> str:
    """Run programs on a board without the scan; say how they ended, in one line."""
    firmware = unscanned_firmware(board, folder, LIMIT_MS)
    with Machine(board, folder / "flash", firmware) as machine:
        machine.boot()
        machine.again_s, machine.wait_s = AGAIN_S, PATIENCE_S
        machine.piece_bytes = PIECE_BYTES
        ends = run_all(machine, programs)
    refused = sum(bool(scan(p + bytes(-len(p) % 4), (0,))) for p in programs)
    return (
        f"{board}: {len(programs):,} programs, {refused:,} refused by the scan; behind it"
        f" {ends[0]:,} ran to their end, {ends[E_FAULT]:,} faulted, {ends[E_DEADLINE]:,} ran too"
        f" long, {ends[E_STEP]:,} reported an error"
    )


@pytest.mark.parametrize("board", virtual_names(vm=True))
@pytest.mark.parametrize("make", [attacks, random_words])
def test_some_attacks(board: str, make: Callable[[int], list[bytes]], tmp_path: Path) -> None:
    contained(board, tmp_path, make(200))


@pytest.mark.proof("attack")
@pytest.mark.parametrize("board", virtual_names(vm=True))
def test_attack_programs(board: str, tmp_path: Path, record_property: Any) -> None:
    record_property("figures", contained(board, tmp_path, attacks(1000)))


@pytest.mark.proof("attack")
@pytest.mark.parametrize("board", virtual_names(vm=True))
def test_random_words(board: str, tmp_path: Path, record_property: Any) -> None:
    record_property("figures", contained(board, tmp_path, random_words(100_000)))


@pytest.mark.parametrize("board", virtual_names(vm=True))
def test_the_board_scans(board: str, tmp_path: Path) -> None:
    """What the scan refuses never runs; what it takes runs."""
    refused = [p for p in attacks(len(ATTACKS)) if scan(p + bytes(-len(p) % 4), (0,))]
    with Machine(board, tmp_path / "flash") as machine:
        machine.boot()
        machine.again_s, machine.wait_s = AGAIN_S, PATIENCE_S
        machine.put("good", BLOB, blob_of([RETURN]), activate=True)
        for program in refused:
            with pytest.raises(RefusedError) as refusal:
                machine.put("bad", BLOB, blob_of([program]), activate=True)
            assert refusal.value.args[0] == E_CODE
        assert machine.call("run", 0, [b"a"])["result"] == b"b"
