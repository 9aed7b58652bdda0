"""The report of a validation: as an object, JSON, CSV, text and a page."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from host_sdk.display.plain import plain_line
from host_sdk.display.table import html_table
from host_sdk.errors import InputError
from host_sdk.validation.html.page import page
from host_sdk.validation.metrics import Times
from host_sdk.validation.results import ImageRow, Results


@dataclass(frozen=True, repr=False)
class Report(Results):
    """The results of a validation; shows, converts and saves itself."""

    def facts(self) -> list[tuple[str, str]]:
        """Give names and values, for printing."""
        sums = [("SHA-256 of inputs", self.inputs_sha256), ("of outputs", self.outputs_sha256)]
        return [*self._class_facts(), *self._reference_facts(), *self._time_facts(), *sums]

    def to_json(self) -> dict[str, Any]:
        """Give plain values, for json.dumps."""
        data = asdict(self)
        del data["mistakes"]
        if self.classification:
            data["classification"]["accuracy"] = self.classification.accuracy
            data["classification"]["reference_accuracy"] = self.classification.reference_accuracy
        return data

    def to_csv(self) -> str:
        """Write a line for each sample, after one of headings."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = [f.name for f in fields(ImageRow)]
        writer.writerow(names)
        for row in self.rows:
            cells = [getattr(row, name) for name in names]
            writer.writerow("" if cell is None else cell for cell in cells)
        return out.getvalue()

    def to_html(self) -> str:
        """Write a page that needs nothing else."""
        return page(self)

    def json_text(self) -> str:
        """Write `to_json` as text."""
        return json.dumps(self.to_json(), indent=1) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write .html, .json or .csv, as the name ends; make the folder.

        Raises:
            InputError: it ends otherwise, or cannot be written.
        """
        texts = {".html": self.to_html, ".json": self.json_text, ".csv": self.to_csv}
        suffix = Path(path).suffix
        if suffix not in texts:
            raise InputError(f"report must be .html, .json or .csv; is {path}")
        write_text(Path(path), texts[suffix]())

    def __repr__(self) -> str:
        facts = self.facts()
        width = max(len(name) for name, _ in facts)
        lines = [self.title, *(f"{name:{width}}  {value}" for name, value in facts)]
        return "\n".join(map(plain_line, lines))

    def _repr_html_(self) -> str:
        return html_table(self.title, ("", ""), self.facts())

    def _class_facts(self) -> list[tuple[str, str]]:
        c = self.classification
        if c is None:
            return []
        facts = [("accuracy", f"{c.accuracy:.2%} ({c.correct:,} of {c.images:,})")]
        facts += [(f"top {k}", f"{share:.2%}") for k, share in c.top.items() if k > 1]
        if c.label_error is not None:
            facts.append(("mean error", f"{c.label_error:.5f} a class, from the one-hot labels"))
        if c.reference_correct is not None:
            share = c.reference_correct / c.images
            facts.append(("LiteRT's accuracy", f"{share:.2%} ({c.reference_correct:,})"))
        return facts

    def _reference_facts(self) -> list[tuple[str, str]]:
        if self.exact_samples is None:
            return [("LiteRT's reference", f"absent: {self.reference}")]
        facts = [("samples bit-exact", f"{self.exact_samples:,} of {self.samples:,}")]
        for d in self.differences:
            steps = "" if d.max_steps is None else f" ({d.max_steps} steps)"
            facts.append(
                (
                    f"output {d.name}",
                    f"max {d.max_abs:.3g}{steps}, mean {d.mean_abs:.3g}, RMSE {d.rmse:.3g}, "
                    f"cosine {d.cosine:.6f}, bit-exact {d.exact:.2%}",
                )
            )
        return facts

    def _time_facts(self) -> list[tuple[str, str]]:
        t = self.timing
        return [
            ("run", _times_text(t.run)),
            ("latency", _times_text(t.latency)),
            ("transfer", f"{t.transfer_share:.1%} of the time under way"),
            ("rate", f"{t.per_second:.1f} samples/s, {t.busy_s:.2f} s in all"),
        ]


def _times_text(t: Times) -> str:
    parts = zip(("mean", "p50", "p95", "max"), (t.mean, t.p50, t.p95, t.max), strict=True)
    return ", ".join(f"{name} {us / 1000:.3g} ms" for name, us in parts)


def write_text(path: Path, text: str) -> None:
    """Write a file; make its folder.

    Raises:
        InputError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
