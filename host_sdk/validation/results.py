"""The results of a validation, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

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
        label_error: mean absolute difference of the scores from the one-hot label; None without
            labels, or if a score is outside of 0..1.
        reference_predicted: the class that LiteRT's reference gives; None without it.
        max_abs: largest difference of an output from the reference; None without it.
        exact: all outputs equal the reference bit by bit; None without it.
        run_us: how long the model ran, by the clock of what ran it.
        latency_us: from the first byte sent to the result, by this computer's clock.
        sent_us: this computer's clock at the first byte, from the first sample's on.
        done_us: this computer's clock at the result, from the first sample's first byte on.
        began_us: the board's clock when the run began, from the first sample's on; None if the
            board does not tell.
    """

    index: int
    label: int | None
    predicted: int | None
    score: float | None
    label_error: float | None
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
    """The time of a validation.

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
class Results:
    """The results of a validation.

    Attributes:
        model: its name.
        sha256: of its blob, hex.
        place: what ran it.
        made: when, ISO 8601.
        samples: how many.
        inputs_sha256: of the bytes of all samples' inputs, one sample after the other, hex.
        outputs_sha256: of the bytes of all outputs, likewise: two boards with the same inputs and
            the same outputs agree in every bit.
        classification: None without labels.
        differences: of each output from LiteRT's reference; empty without it.
        reference: "litert", or why it is absent.
        exact_samples: samples whose outputs all equal the reference's bit by bit; None
            without it.
        timing: of the samples.
        layers: the time of each step, of one run on the first sample.
        rows: each sample.
        mistakes: some of the pictures that were classified wrong.
    """

    model: str
    sha256: str
    place: str
    made: str
    samples: int
    inputs_sha256: str
    outputs_sha256: str
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
        """The model, what ran it, the number of samples."""
        return f"{self.model} on {self.place}: {self.samples:,} samples"
