"""`validate` and `trace` of a model on this computer: no board needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from host_sdk.display.progress import counting
from host_sdk.inference.model_source import HeadSource, ModelSource
from host_sdk.validation.host_runner import HostRunner
from host_sdk.validation.report import Report
from host_sdk.validation.trace import Trace, random_inputs, trace
from host_sdk.validation.validate import Progress, validate


def validate_on_host(
    model: ModelSource,
    x: npt.ArrayLike | Sequence[npt.ArrayLike],
    y: npt.ArrayLike | None = None,
    reference: str | None = "litert",
    *,
    tflite: ModelSource | None = None,
    head: HeadSource | None = None,
    limit: int | None = None,
    progress: Progress | bool = False,
) -> Report:
    """Validates a model on this computer; what it gives is what `Device.validate` gives.

    Args:
        model: file or bytes: a .tflite, or a blob for target "host".
        x: samples, see `Device.validate`.
        y: class of each sample, integers [N].
        reference: "litert" or "none".
        tflite: for the reference where the model is a blob.
        head: post-processing for a .tflite, see `Device.load_model`.
        limit: only the first samples.
        progress: called with (done, total) samples; True shows a bar.

    Raises:
        ShapeError, DtypeError, InputError: samples or labels do not fit.
        ModelFileError, CompileError, ToolMissingError: the model cannot be had.
        BlobError: the blob holds no code for this computer.
    """
    with (
        HostRunner(model, head) as runner,
        counting(progress, f"validating {runner.model.name}") as show,
    ):
        return validate(
            runner,
            x,
            y,
            reference=reference,
            tflite=runner.tflite if tflite is None else tflite,
            limit=limit,
            progress=show,
        )


def trace_on_host(
    model: ModelSource,
    *inputs: npt.ArrayLike,
    reference: str | None = "litert",
    tflite: ModelSource | None = None,
    head: HeadSource | None = None,
) -> Trace:
    """Traces a run on this computer; what it gives is what `Device.trace` gives.

    A .tflite is compiled with whole tensors, so that none is left out.

    Args:
        model: as for `validate_on_host`.
        inputs: one array for each input; none: random ones, always the same.
        reference: "litert" or "none".
        tflite: for the reference where the model is a blob.
        head: post-processing for a .tflite.
    """
    with HostRunner(model, head, whole_tensors=True) as runner:
        known = runner.tflite if tflite is None else tflite
        arrays = runner.model.fit(inputs) if inputs else random_inputs(runner.model)
        return trace(runner, arrays, reference, known)
