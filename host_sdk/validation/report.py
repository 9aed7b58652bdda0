"""What a validation found, as an object, JSON, CSV and text; `page.py` makes the HTML."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from host_sdk.display.table import html_table
from host_sdk.errors import InputError
from host_sdk.inference.profile import Profile
from host_sdk.inference.tensor import Array
from host_sdk.validation.metrics import Classification, Difference, Times


@dataclass(frozen=True)
class ImageRow:
    """One sample.

    Attributes:
        index: in the data.
        label: its class; None without labels.
        predicted: the class that the model gives; None without labels.
        score: of that class.
        reference_predicted: the class that LiteRT's reference gives; None without it.
        max_abs: largest difference of an output from the reference; None without it.
        exact: all outputs equal the reference bit by bit; None without it.
        run_us: how long the model ran, by the clock of what ran it.
        latency_us: from the first byte sent to the result, by this computer's clock.
        sent_us: this computer's clock at the first byte, from the first sample's on.
        done_us: this computer's clock at the result, from the first sample's first byte on.
        began_us: the board's clock when the run began, from the first sample's on; None where the
            board does not tell.
    """

    index: int
    label: int | None
    predicted: int | None
    score: float | None
    reference_predicted: int | None
    max_abs: float | None
    exact: bool | None
    run_us: float
    latency_us: float
    sent_us: float
    done_us: float
    began_us: int | None


@dataclass(frozen=True)
class Timing:
    """Where the time went.

    Attributes:
        run: how long the model ran for a sample, by the clock of what ran it.
        latency: from the first byte sent to the result, by this computer's clock.
        transfer_share: share of `busy_s` in which the model did not run, 0..1.
        busy_s: how long at least one sample was under way.
        per_second: samples in a second of that time.
    """

    run: Times
    latency: Times
    transfer_share: float
    busy_s: float
    per_second: float


@dataclass(frozen=True)
class Thumbnail:
    """A sample that was classified wrong, to look at.

    Attributes:
        row: what is known of it.
        pixels: uint8 [H, W] or [H, W, 3].
    """

    row: ImageRow
    pixels: Array


@dataclass(frozen=True, repr=False)
class Report:
    """What a validation found.

    Attributes:
        model: its name.
        sha256: of its blob, hex.
        place: what ran it.
        made: when, ISO 8601.
        samples: how many.
        classification: None without labels.
        differences: of each output from LiteRT's reference; empty without it.
        reference: "litert", or why it is absent.
        exact_samples: samples of which all outputs equal the reference's bit by bit; None
            without it.
        timing: where the time went.
        layers: the time of each step, of one run on the first sample.
        rows: each sample.
        mistakes: some of the pictures that were classified wrong.
    """

    model: str
    sha256: str
    place: str
    made: str
    samples: int
    classification: Classification | None
    differences: tuple[Difference, ...]
    reference: str
    exact_samples: int | None
    timing: Timing
    layers: Profile
    rows: tuple[ImageRow, ...]
    mistakes: tuple[Thumbnail, ...] = ()

    @property
    def accuracy(self) -> float | None:
        """Share of the samples whose first class is the label; None without labels."""
        return self.classification.accuracy if self.classification else None

    @property
    def title(self) -> str:
        """The model, where it ran, on how many samples."""
        return f"{self.model} on {self.place}: {self.samples:,} samples"

    def facts(self) -> list[tuple[str, str]]:
        """Names and values, for printing."""
        return [*self._class_facts(), *self._reference_facts(), *self._time_facts()]

    def to_json(self) -> dict[str, Any]:
        """Plain values, for json.dumps."""
        data = asdict(self)
        del data["mistakes"]
        if self.classification:
            data["classification"]["accuracy"] = self.classification.accuracy
            data["classification"]["reference_accuracy"] = self.classification.reference_accuracy
        return data

    def to_csv(self) -> str:
        """One line for each sample, after one of headings."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = [f.name for f in fields(ImageRow)]
        writer.writerow(names)
        for row in self.rows:
            cells = [getattr(row, name) for name in names]
            writer.writerow("" if cell is None else cell for cell in cells)
        return out.getvalue()

    def to_html(self) -> str:
        """A page that needs nothing else."""
        from host_sdk.validation.html.page import page

        return page(self)

    def json_text(self) -> str:
        """`to_json` as text."""
        return json.dumps(self.to_json(), indent=1) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes .html, .json or .csv, as the name ends; makes the folder.

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
        return "\n".join([self.title, *(f"{name:{width}}  {value}" for name, value in facts)])

    def _repr_html_(self) -> str:
        return html_table(self.title, ("", ""), self.facts())

    def _class_facts(self) -> list[tuple[str, str]]:
        c = self.classification
        if c is None:
            return []
        facts = [("accuracy", f"{c.accuracy:.2%} ({c.correct:,} of {c.images:,})")]
        facts += [(f"top {k}", f"{share:.2%}") for k, share in c.top.items() if k > 1]
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
    """Writes a file; makes its folder.

    Raises:
        InputError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
