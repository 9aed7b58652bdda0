"""The one-operator cases of the proof `exact`, in docs/exactness.toml."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "exactness.toml"

_HEAD = """\
# Written by `make proof-exact`, read by docs/OPS.md: one-operator cases that had no difference, on
# virtual CPUs, and on the machine of the proof by operator and element type.
"""


@dataclass
class Cases:
    """The one-operator cases of a run.

    Attributes:
        here: cases on this machine by kind of the operator and element type.
        machines: cases on virtual CPUs by target.
    """

    here: Counter[tuple[str, str]] = field(default_factory=Counter)
    machines: Counter[str] = field(default_factory=Counter)

    def add(self, record: str) -> None:
        """Count what a test recorded: "target; count; dtype; kind"."""
        target, count, dtype, kind = record.split("; ")
        if target == "host":
            self.here[kind, dtype] += int(count)
        else:
            self.machines[target] += int(count)


def to_toml(cases: Cases, date: str, commit: str) -> str:
    """Write the text of docs/exactness.toml.

    Args:
        cases: of the proof.
        date: of the proof.
        commit: that it tried.
    """
    lines = [_HEAD, f'date = "{date}"', f'commit = "{commit}"', "", "[machines]"]
    lines += [f"{target} = {n}" for target, n in sorted(cases.machines.items())]
    by_kind: dict[str, list[str]] = {}
    for (kind, dtype), n in sorted(cases.here.items()):
        by_kind.setdefault(kind, []).append(f'"{dtype}" = {n}')
    lines += ["", "[here]"]
    lines += [f'"{kind}" = {{ {", ".join(texts)} }}' for kind, texts in by_kind.items()]
    return "\n".join(lines) + "\n"


def read_toml(text: str) -> tuple[Cases, str, str]:
    """Read docs/exactness.toml: the cases, date and commit."""
    found = tomllib.loads(text)
    here = {(kind, dtype): n for kind, row in found["here"].items() for dtype, n in row.items()}
    return Cases(Counter(here), Counter(found["machines"])), found["date"], found["commit"]
