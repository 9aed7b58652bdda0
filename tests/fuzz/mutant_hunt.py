"""Compile mutants in a process of their own, and keep those that go wrong.

python -m tests.fuzz.mutant_hunt FIRST [COUNT]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.conftest import ROOT
from tests.fuzz.mutants import mutant

KEPT = ROOT / "build" / "mutants"
_PATIENCE = 900.0  # seconds on the clock, of a process that its own alarm does not reach
_MOST_TRIES = 200  # to make a mutant smaller


@dataclass
class Tally:
    """What became of mutants.

    Attributes:
        fates: how many had each fate.
        wrong: a line for each that something is wrong with.
        seconds: of the processor, of the slowest.
        megabytes: of the largest process.
    """

    fates: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    megabytes: int = 0


class Worker:
    """A process that compiles mutants; another takes its place when it dies."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None

    def ask(self, request: str) -> dict[str, Any]:
        """Send a mutant's number, or a number and a file."""
        child = self._child = self._child or _start()
        assert child.stdin is not None
        assert child.stdout is not None
        timer = threading.Timer(_PATIENCE, child.kill)
        timer.start()
        try:
            child.stdin.write(f"{request}\n")
            child.stdin.flush()
            line = child.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if line:
            reply: dict[str, Any] = json.loads(line)
            return reply
        status = _end(child)
        self._child = None
        return {"fate": f"WRONG: ended with {status}", "seconds": 0.0, "megabytes": 0}

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.kill()
            _end(self._child)


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.fuzz.mutant_worker"],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "XIPNET_CACHE": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _end(child: subprocess.Popen[str]) -> int:
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with suppress(BrokenPipeError):
                stream.close()
    return child.wait()


def hunt(numbers: Iterable[int], report: Callable[[str], None] = lambda _: None) -> Tally:
    """Compile mutants; keep and shrink those that something is wrong with.

    Args:
        numbers: of the mutants.
        report: called with a line about each that is wrong.
    """
    tally, worker = Tally(), Worker()
    try:
        for number in numbers:
            reply = worker.ask(str(number))
            fate = reply["fate"]
            tally.fates[fate.partition(":")[0]] += 1
            tally.seconds = max(tally.seconds, reply["seconds"])
            tally.megabytes = max(tally.megabytes, reply["megabytes"])
            if fate.startswith("WRONG"):
                size = _keep(worker, number, fate)
                tally.wrong.append(f"mutant {number} ({size} bytes): {fate}")
                report(tally.wrong[-1])
    finally:
        worker.close()
    return tally


def hunt_once(numbers: range, code: str) -> Tally:
    """Hunt, unless a hunt for these by the same code has ended and found nothing.

    Args:
        numbers: of the mutants.
        code: names the code, as a commit does.
    """
    path = KEPT / "done" / f"{code}-{numbers[0]}-{len(numbers)}.json"
    if path.exists():
        kept = json.loads(path.read_text())
        return Tally(**kept | {"fates": Counter(kept["fates"])})
    tally = hunt(numbers)
    if not tally.wrong:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(vars(tally)))
    return tally


def _keep(worker: Worker, number: int, fate: str) -> int:
    """Keep a mutant, and with it one of fewer bytes that are not 0; count these."""
    KEPT.mkdir(parents=True, exist_ok=True)
    data = mutant(number)
    (KEPT / f"{number}.tflite").write_bytes(data)
    path = KEPT / f"{number}-small.tflite"

    def is_same(smaller: bytes) -> bool:
        path.write_bytes(smaller)
        return _kind(worker.ask(f"{number} {path}")["fate"]) == _kind(fate)

    small = shrink(data, is_same, 10 if "slow" in fate or "ended" in fate else _MOST_TRIES)
    path.write_bytes(small)
    return len(small) - small.count(0)


def _kind(fate: str) -> str:
    return ":".join(fate.split(":")[:2])


def shrink(data: bytes, is_same: Callable[[bytes], bool], most_tries: int) -> bytes:
    """Make parts of a file zeros as long as it stays what it is.

    Args:
        data: the file.
        is_same: tells whether another one is as good.
        most_tries: calls of it.
    """
    size, tries = len(data) // 2, 0
    while size >= 4:
        for at in range(0, len(data), size):
            smaller = data[:at] + bytes(len(data[at : at + size])) + data[at + size :]
            if smaller == data:
                continue
            tries += 1
            if tries > most_tries:
                return data
            if is_same(smaller):
                data = smaller
        size //= 2
    return data


def main(first: int, count: int = 1) -> None:
    """Hunt in a range of numbers."""
    for start in range(first, first + count, 1000):
        numbers = range(start, min(start + 1000, first + count))
        tally = hunt(numbers, lambda line: print(line, flush=True))
        worst = f"{tally.seconds} s, {tally.megabytes} MB at most"
        print(f"{start}..: {dict(tally.fates)}, {worst}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
