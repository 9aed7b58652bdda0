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
from host_sdk.selftest.machine_code import ENDLESS, adder, code_blob, writer
from host_sdk.store.inventory import read_extents

_QUICK_ROUNDS, _ROUNDS = 6, 40
# The store takes the next free place: this much at once brings it round in some 30 uploads.
_MOST_WEIGHTS = 512 << 10
_LIMIT_S = 10.0  # that a step may take: XN_RUNNER_LIMIT_MS
_INPUT = b"a"
# A privileged device of every Cortex-M, and a word of external RAM that no board of ours has.
_NOBODYS = (0xE0000000, 0x9FFFFFFC)


def test_caches(bench: Bench) -> None:
    """Write two programs over each other: what runs is what was written last.

    A stale line of an instruction cache, a flash cache or a prefetch buffer shows the old one.
    """
    name = "caches: rewritten code"
    seen: dict[int, int] = {}
    rewritten = 0
    size = 0 if bench.quick else min(_MOST_WEIGHTS, bench.session.info.free_bytes // 8)
    with bench.trying(name):
        for i in range(_QUICK_ROUNDS if bench.quick else _ROUNDS):
            n = 1 + i % 7
            with bench.stored("code") as stored:
                at = _load(bench, code_blob([adder(n)], stored, size), stored)
                got = _run(bench)
            if got != bytes([_INPUT[0] + n]):
                bench.note(name, False, note=f"at {at:#x}: input + {n} gave {got.hex()}")
                return
            rewritten += at in seen and seen[at] != n
            seen[at] = n
            if rewritten >= 2:
                break
        if rewritten:
            bench.note(name, True, note=f"{rewritten} times at an address that held another")
        else:
            bench.skip(name, f"the store came round in none of {len(seen)} uploads")


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
            bench.note("clock: a limit of 10 s", abs(error) < 5, error, "% late")


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
