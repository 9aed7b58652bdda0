"""The time of a run, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from host_sdk.display.table import html_table, short_name, text_table
from host_sdk.inference.model import LayerInfo, Model, StepInfo
from host_sdk.inference.run import RunResult

_COLUMNS = ("step", "operator", "µs", "share", "MACs", "MACs/µs")


@dataclass(frozen=True)
class ProfileRow:
    """One step.

    Attributes:
        name: of the tensor that it computes.
        op: operator.
        us: microseconds.
        share: of the whole run, 0..1.
        macs: multiply-accumulates.
        layers: that it makes together, by rows; empty for a single layer.
    """

    name: str
    op: str
    us: int
    share: float
    macs: int
    layers: tuple[LayerInfo, ...] = ()


@dataclass(frozen=True, repr=False)
class Profile:
    """A run's time by step.

    Attributes:
        model: its name.
        us: the whole run, microseconds.
        rows: in the order of execution.
    """

    model: str
    us: int
    rows: tuple[ProfileRow, ...]

    def to_json(self) -> dict[str, Any]:
        """Give plain values, for json.dumps."""
        return asdict(self)

    def table(self) -> tuple[Sequence[str], list[list[str]]]:
        """Give headings and cells, for printing."""
        names = [row.name for row in self.rows]
        names += [layer.tensor.name for row in self.rows for layer in row.layers]
        scope = _common_scope(names)
        return _COLUMNS, [cells for row in self.rows for cells in _cells(row, scope)]

    @property
    def title(self) -> str:
        """The model and how long it took."""
        return f"{self.model}: {self.us / 1000:.2f} ms in {len(self.rows)} steps"

    def __repr__(self) -> str:
        return text_table(self.title, *self.table())

    def _repr_html_(self) -> str:
        return html_table(self.title, *self.table())


def make_profile(model: Model, run: RunResult) -> Profile:
    """Put the board's figures beside the model's steps."""
    total = max(sum(run.steps_us), 1)
    rows = [
        ProfileRow(step.name, step.op, us, us / total, step.macs, step.layers)
        for step, us in zip(_steps(model, len(run.steps_us)), run.steps_us, strict=True)
    ]
    return Profile(model.name, run.us, tuple(rows))


def _common_scope(names: Sequence[str]) -> str:
    """Find what most names begin with up to a slash: the model's own name."""
    scopes = Counter(name[: name.index("/") + 1] for name in names if "/" in name)
    scope, count = scopes.most_common(1)[0] if scopes else ("", 0)
    return scope if count > len(names) / 2 else ""


def _cells(row: ProfileRow, scope: str) -> list[list[str]]:
    """Give a step's line, and one for each layer that it makes by rows."""
    pace = f"{row.macs / row.us:.1f}" if row.us and row.macs else ""
    op = f"{len(row.layers)} layers" if row.layers else row.op
    lines = [[row.name, op, f"{row.us:,}", f"{row.share:.1%}", f"{row.macs:,}", pace]]
    lines += [[f"  {x.tensor.name}", x.op, "", "", f"{x.macs:,}", ""] for x in row.layers]
    return [[short_name(name).replace(scope, "", 1), *cells] for name, *cells in lines]


def _steps(model: Model, count: int) -> list[StepInfo]:
    known = list(model.steps[:count])
    return known + [StepInfo(f"step {i}", "", 0) for i in range(len(known), count)]
