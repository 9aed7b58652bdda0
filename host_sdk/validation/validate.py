"""The validation of a model: samples run, results added up one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from host_sdk.display.progress import Progress, count_progress
from host_sdk.inference.model import Inputs, Model
from host_sdk.inference.model_source import FileSource, HeadSource, ModelSource
from host_sdk.inference.tensor import Array
from host_sdk.validation.host_runner import HostRunner
from host_sdk.validation.litert import Reference, open_reference
from host_sdk.validation.metrics import ClassCounter, DifferenceSum, scores_of, times_of
from host_sdk.validation.report import Report
from host_sdk.validation.results import ImageRow, Thumbnail, Timing
from host_sdk.validation.runner import Measurement, Runner
from host_sdk.validation.samples import Samples, read_labels

MISTAKES = 24  # pictures kept for the report
_CLOCK_US = 2**32


@dataclass(frozen=True)
class Comparison:
    """A sample's outputs beside the reference's.

    Attributes:
        expected: the reference's.
        max_abs: largest difference in real values.
        exact: all are equal bit by bit.
    """

    expected: list[Array]
    max_abs: float
    exact: bool


def validate(
    runner: Runner,
    x: npt.ArrayLike | Inputs,
    y: npt.ArrayLike | None = None,
    *,
    reference: str | None = "litert",
    tflite: FileSource | None = None,
    limit: int | None = None,
    sequence: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Validate a model; arguments as of `Device.validate`.

    Args:
        runner: runs the model.
        x: samples.
        y: classes.
        reference: "litert" or "none".
        tflite: of the model.
        limit: only the first samples.
        sequence: the samples follow one another.
        progress: called with (done, total) samples.
    """
    model = runner.model
    samples = Samples(x, model, limit)
    labels = None if y is None else read_labels(y, len(samples))
    litert, skip_reason = open_reference(reference, tflite)
    validation = _Validation(model, samples, labels, litert, sequence)
    for done, measurement in enumerate(runner.run_all(samples, sequence), 1):
        validation.add(measurement)
        if progress:
            progress(done, len(samples))
    return Report(
        model=model.name,
        sha256=model.sha256.hex(),
        place=runner.place,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        samples=len(samples),
        inputs_sha256=validation.inputs.hexdigest(),
        outputs_sha256=validation.outputs.hexdigest(),
        classification=validation.classes.result(),
        differences=tuple(s.result() for s in validation.sums) if litert else (),
        reference="litert" if litert else skip_reason,
        exact_samples=sum(bool(r.exact) for r in validation.rows) if litert else None,
        timing=timing_of(validation.rows),
        layers=runner.profile(samples[0]),
        rows=tuple(validation.rows),
        mistakes=tuple(validation.mistakes),
    )


def validate_on_host(
    model: ModelSource,
    x: npt.ArrayLike | Inputs,
    y: npt.ArrayLike | None = None,
    reference: str | None = "litert",
    *,
    tflite: FileSource | None = None,
    head: HeadSource | None = None,
    ops: str | None = None,
    limit: int | None = None,
    sequence: bool = False,
    progress: Progress | bool = False,
    trust: bool = False,
) -> Report:
    """Validate a model on this computer, as `Device.validate` does on a board.

    Args:
        model: what `Device.load_model` takes; a blob must be for target "host".
        x: samples, see `Device.validate`.
        y: class of each sample, integers [N].
        reference: "litert" or "none".
        tflite: for the reference if the model is a blob.
        head: post-processing for a .tflite, see `Device.load_model`.
        ops: for a .tflite, likewise.
        limit: only the first samples.
        sequence: see `Device.validate`.
        progress: called with (done, total) samples; True shows a bar.
        trust: see `Device.load_model`.

    Raises:
        ShapeError, DtypeError, InputError: samples or labels do not fit.
        ModelFileError, ConvertError, CompileError, ToolMissingError: the model cannot be had.
        BlobError: the blob holds no code for this computer.
    """
    with (
        HostRunner(model, head, ops=ops, show=progress is True, trust=trust) as runner,
        count_progress(progress, f"validating {runner.model.name}") as show,
    ):
        return validate(
            runner,
            x,
            y,
            reference=reference,
            tflite=runner.tflite if tflite is None else tflite,
            limit=limit,
            sequence=sequence,
            progress=show,
        )


class _Validation:
    """The sums over the runs."""

    def __init__(
        self,
        model: Model,
        samples: Samples,
        labels: npt.NDArray[np.int64] | None,
        reference: Reference | None,
        sequence: bool,
    ) -> None:
        self.rows: list[ImageRow] = []
        self.mistakes: list[Thumbnail] = []
        self.classes = ClassCounter(model.labels)
        self.inputs, self.outputs = sha256(), sha256()
        self.sums = [DifferenceSum(t) for t in model.outputs]
        self._model = model
        self._samples = samples
        self._labels = labels
        self._reference = reference
        self._resets = bool(model.state_bytes) and not sequence
        self._first: Measurement | None = None
        self._began_us: int | None = None

    def add(self, measurement: Measurement) -> None:
        index = len(self.rows)
        inputs = self._samples[index]
        for checksum, arrays in ((self.inputs, inputs), (self.outputs, measurement.outputs)):
            for array in arrays:
                checksum.update(array.tobytes())
        comparison = self._compare(inputs, measurement.outputs)
        label = predicted = expected_class = score = error = None
        if self._labels is not None:
            label = int(self._labels[index])
            scores = self._scores(measurement.outputs)
            predicted, score = int(np.argmax(scores)), float(scores.max())
            expected = self._scores(comparison.expected) if comparison else None
            expected_class = None if expected is None else int(np.argmax(expected))
            error = self.classes.add(label, scores, expected)
        first = self._first = self._first or measurement
        row = ImageRow(
            index=index,
            label=label,
            predicted=predicted,
            score=score,
            label_error=error,
            reference_predicted=expected_class,
            max_abs=comparison.max_abs if comparison else None,
            exact=comparison.exact if comparison else None,
            run_us=round(measurement.us, 1),
            latency_us=round((measurement.done_s - measurement.sent_s) * 1e6, 1),
            sent_us=round((measurement.sent_s - first.sent_s) * 1e6, 1),
            done_us=round((measurement.done_s - first.sent_s) * 1e6, 1),
            began_us=self._unwrap(measurement.at_us),
        )
        self.rows.append(row)
        self._keep_mistake(row)

    def _compare(self, inputs: list[Array], outputs: Sequence[Array]) -> Comparison | None:
        if self._reference is None:
            return None
        if self._resets:
            self._reference.reset_state()
        expected = self._reference.run(inputs)
        found = [
            s.add(actual, other.reshape(actual.shape))
            for s, actual, other in zip(self.sums, outputs, expected, strict=True)
        ]
        return Comparison(expected, max(f[0] for f in found), all(f[1] for f in found))

    def _scores(self, outputs: Sequence[Array]) -> Array:
        return scores_of(self._model.outputs[0].dequantise(outputs[0]))

    def _unwrap(self, at_us: int | None) -> int | None:
        """Count the board's clock from the first sample's run on; it wraps at 2**32."""
        if at_us is None or self._first is None or self._first.at_us is None:
            return None
        last = self._began_us or 0
        since_last = (at_us - self._first.at_us - last) % _CLOCK_US
        self._began_us = last + since_last
        return self._began_us

    def _keep_mistake(self, row: ImageRow) -> None:
        if row.label == row.predicted or len(self.mistakes) == MISTAKES:
            return
        pixels = self._samples.pixels(row.index)
        if pixels is not None:
            self.mistakes.append(Thumbnail(row, pixels.copy()))


def timing_of(rows: Sequence[ImageRow]) -> Timing:
    """Say how the time of at least one sample was spent."""
    busy_us = max(_busy_us(rows), 1e-3)
    share = 1.0 - sum(r.run_us for r in rows) / busy_us
    return Timing(
        run=times_of([r.run_us for r in rows]),
        latency=times_of([r.latency_us for r in rows]),
        transfer_share=max(share, 0.0),
        busy_s=busy_us / 1e6,
        per_second=len(rows) / busy_us * 1e6,
    )


def _busy_us(rows: Sequence[ImageRow]) -> float:
    """Say how long at least one sample was under way; samples may overlap."""
    busy = end = 0.0
    for row in sorted(rows, key=lambda r: r.sent_us):
        busy += max(row.done_us - max(row.sent_us, end), 0.0)
        end = max(end, row.done_us)
    return busy
