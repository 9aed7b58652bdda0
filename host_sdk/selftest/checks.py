"""What a self-test found: a line each, for people and as JSON."""

from __future__ import annotations

import datetime
import platform
from dataclasses import asdict, dataclass, field
from typing import Any

from host_sdk.link.board_info import BoardInfo

Band = tuple[float, float]


@dataclass(frozen=True)
class Check:
    """One thing that was tried.

    Attributes:
        name: "link: upload".
        ok: whether the board did what it must.
        value: what was measured; None if there is nothing to measure.
        unit: of the value: "ms", "KB/s".
        predicted: the least and the most that docs/PREDICTIONS.md says; None: it says nothing.
        note: more of it: what was wrong, or why it was not tried.
        tried: False if the board or the mode has none of it.
    """

    name: str
    ok: bool
    value: float | None = None
    unit: str = ""
    predicted: Band | None = None
    note: str = ""
    tried: bool = True

    @property
    def as_predicted(self) -> bool:
        """Whether the value is within the band; True if there is none."""
        if self.predicted is None or self.value is None:
            return True
        return self.predicted[0] <= self.value <= self.predicted[1]

    @property
    def verdict(self) -> str:
        """One word: "pass", "FAIL", "off" (works, but was predicted otherwise), "-"."""
        if not self.tried:
            return "-"
        if not self.ok:
            return "FAIL"
        return "pass" if self.as_predicted else "off"


@dataclass(frozen=True)
class SelfTestReport:
    """A board's self-test.

    Attributes:
        board: what it says of itself.
        port: that it was reached through.
        quick: whether only the quick part was tried.
        checks: in the order in which they were tried.
        seconds: how long it took.
        date: UTC, ISO 8601.
        host: the PC: system, machine, Python.
    """

    board: BoardInfo
    port: str
    quick: bool
    checks: tuple[Check, ...]
    seconds: float
    date: str = field(
        default_factory=lambda: datetime.datetime.now(datetime.UTC).isoformat("T", "seconds")
    )
    host: str = field(
        default_factory=lambda: (
            f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        )
    )

    @property
    def ok(self) -> bool:
        """Whether nothing failed; values outside of their bands are no failure."""
        return all(check.ok for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Give plain values, for json.dumps."""
        lines = [{**asdict(c), "verdict": c.verdict} for c in self.checks]
        return {**asdict(self), "checks": lines, "ok": self.ok}

    @property
    def title(self) -> str:
        """One sentence that sums it up."""
        words = [c.verdict for c in self.checks]
        counts = ", ".join(
            f"{words.count(word)} {text}"
            for word, text in (
                ("pass", "passed"),
                ("FAIL", "FAILED"),
                ("off", "not as predicted"),
                ("-", "not tried"),
            )
            if word in words
        )
        return f"{self.board.board} at {self.port}: {counts}, in {self.seconds:.1f} s"

    def lines(self) -> list[str]:
        """Give a line for each check, for printing."""
        width = max(len(check.name) for check in self.checks)
        return [
            "  ".join(
                [
                    check.verdict.ljust(4),
                    check.name.ljust(width),
                    ("" if check.value is None else f"{check.value:,.4g} {check.unit}").rjust(12),
                    ("" if check.predicted is None else _band(check.predicted)).ljust(18),
                    check.note,
                ]
            ).rstrip()
            for check in self.checks
        ]


def _band(band: Band) -> str:
    return f"({band[0]:,.4g} to {band[1]:,.4g})"
