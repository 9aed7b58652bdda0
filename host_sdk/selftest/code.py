"""Whether new code runs as the new code, and bad code costs nothing but its run."""

from __future__ import annotations

import time

from host_sdk.errors import (
    BlobCodeError,
    DeviceFaultError,
    RunError,
    StepFaultError,
    StepTimeoutError,
)
from host_sdk.selftest.bench import Bench
from host_sdk.selftest.machine_code import ENDLESS, adders, code_blob, writer
from host_sdk.store.inventory import read_extents

_QUICK_ROUNDS, _ROUNDS = 6, 40
# The store takes the least worn place, so it comes round when all that is free was written: with
# this much at once in some 30 uploads of 16 MB.
_MOST_BYTES = 512 << 10
_LIMIT_S = 10.0  # that a step may take: XN_RUNNER_LIMIT_MS
_INPUT = b"a"
# A privileged device of every Cortex-M, and a word of external RAM that no board of ours has.
_NOBODYS = (0xE0000000, 0x9FFFFFFC)


def test_caches(bench: Bench) -> None:
    """Write programs over each other: what runs is what was written last.

    A stale line of an instruction cache, a flash cache or a prefetch buffer shows the old one. Each
    sector of a program has a step, at the same place of the sector: however two of them overlap.
    """
    name = "caches: rewritten code"
    sector = bench.session.info.sector_bytes
    size = 0 if bench.quick else min(_MOST_BYTES, bench.session.info.free_bytes // 8)
    count = max(size // sector, 1)
    rounds = _QUICK_ROUNDS if bench.quick else _ROUNDS
    seen: set[int] = set()
    with bench.trying(name):
        for n in range(rounds, 0, -1):  # an old step adds more
            with bench.stored("code") as stored:
                at = _load(bench, code_blob(adders(n, count, sector), stored), stored)
                got = int.from_bytes(_run(bench), "little")
            if got != _INPUT[0] + count * n:
                bench.note(name, False, note=f"at {at:#x}: input + {count} * {n} gave {got}")
                return
            sectors = set(range(at, at + count * sector, sector))
            if rewritten := len(sectors & seen):
                note = f"in {rewritten} sectors, by upload {rounds + 1 - n}"
                bench.note(name, True, note=note)
                return
            seen |= sectors
        bench.skip(name, f"the store came round in none of {rounds} uploads")


def test_containment(bench: Bench) -> None:
    """Have models write where they must not: the run ends, the board goes on.

    A board without containment restarts and names the step: docs/SECURITY.md says which do.
    """
    for address in _NOBODYS:
        _bad(bench, f"containment: write to {address:#010x}", writer(address), StepFaultError)
    if bench.quick:
        bench.skip("containment: endless step", "takes 10 s")
    else:
        begin = time.perf_counter()
        _bad(bench, "containment: endless step", ENDLESS, StepTimeoutError)
        if bench.checks[-1].ok:
            error = 100 * ((time.perf_counter() - begin) / _LIMIT_S - 1)
            ok = abs(error) < 5 or not bench.has_own_clock
            bench.note("clock: a limit of 10 s", ok, error, "% late")


def _bad(bench: Bench, name: str, code: bytes, expected: type[RunError]) -> None:
    with bench.trying(name), bench.stored("bad") as stored:
        try:
            _load(bench, code_blob([code], stored), stored)
            got = _run(bench)
        except expected as error:
            bench.note(name, True, note=f"contained: {error.message}")
        except BlobCodeError as error:
            bench.note(name, True, note=f"refused by the scan: {error.message}")
        except DeviceFaultError as error:
            bench.note(name, True, note=f"not contained, the board restarted: {error}")
        else:
            bench.note(name, False, note=f"it ran to its end and gave {got.hex()}")


def _load(bench: Bench, blob: bytes, stored: str) -> int:
    bench.board.load_model(blob, stored)
    [at] = [e.at for e in read_extents(bench.session) if e.name == stored and e.state == 0]
    return at


def _run(bench: Bench) -> bytes:
    result = bench.session.call("run", 0, [_INPUT], timeout_s=3 * _LIMIT_S)
    assert isinstance(result, dict)
    got = result["result"]
    assert isinstance(got, bytes)
    return got
