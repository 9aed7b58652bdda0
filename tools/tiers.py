"""Run what CI runs, in three tiers, and says how long each took.

python -m tools.tiers        all tiers
python -m tools.tiers 1      one of them
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = (
    *("-m", "pytest", "-n", os.environ.get("JOBS", "auto"), "--dist", "loadgroup"),
    "--durations=20",
)


@dataclass(frozen=True)
class Tier:
    """A part of CI.

    Attributes:
        number: as pytest's `--tier` counts.
        title: what it runs.
        limit_s: what it may take on two quiet cores; more is told, not refused.
        commands: arguments of Python.
    """

    number: int
    title: str
    limit_s: int
    commands: tuple[tuple[str, ...], ...]


TIERS = (
    Tier(1, "checks, unit tests", 4 * 60, (("tools/check.py",), (*PYTEST, "--tier", "1"))),
    Tier(2, "virtual boards, the core, samples", 18 * 60, ((*PYTEST, "--tier", "2"),)),
    Tier(3, "extras", 8 * 60, ((*PYTEST, "--tier", "3"),)),
)


@dataclass(frozen=True)
class Outcome:
    """How a tier ended.

    Attributes:
        tier: which one.
        seconds: how long it took.
        passed: whether all its commands succeeded.
    """

    tier: Tier
    seconds: float
    passed: bool

    def __str__(self) -> str:
        late = "" if self.seconds <= self.tier.limit_s else "  over its limit"
        verdict = "passed" if self.passed else "FAILED"
        times = f"{minutes(self.seconds)} of {minutes(self.tier.limit_s)}"
        return f"tier {self.tier.number}  {verdict}  {times}  {self.tier.title}{late}"


def minutes(seconds: float) -> str:
    """Write a duration as minutes and seconds."""
    return f"{round(seconds) // 60:2}:{round(seconds) % 60:02}"


def run(tier: Tier) -> Outcome:
    """Run all commands of a tier, also after one failed."""
    begin = time.monotonic()
    codes = [
        subprocess.run([sys.executable, *command], cwd=ROOT, check=False).returncode
        for command in tier.commands
    ]
    return Outcome(tier, time.monotonic() - begin, not any(codes))


def main(*numbers: str) -> int:
    """Run the tiers that are named, or all; the process's exit status."""
    outcomes = [run(tier) for tier in TIERS if not numbers or str(tier.number) in numbers]
    print(*outcomes, sep="\n", flush=True)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
