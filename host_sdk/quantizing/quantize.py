"""A model of floats by several schemes, measured side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import relocatable
from host_sdk.errors import CompileError, InputError, ModelFileError, ShapeError
from host_sdk.inference.model_source import ModelSource, Optimize, compile_tflite, open_model
from host_sdk.inference.picture import to_input
from host_sdk.inference.tensor import Array, TensorInfo
from host_sdk.quantizing.few_values import BITS, compress_model
from host_sdk.quantizing.float_model import FloatModel
from host_sdk.quantizing.instructions import InstructionCounter
from host_sdk.quantizing.schemes import SCHEMES, Scheme
from host_sdk.quantizing.score import Samples, outputs_of, samples_of, score_of
from host_sdk.validation.samples import read_labels

__all__ = ["Limits", "Quantized", "fit_samples", "pick", "quantize_model"]


@dataclass(frozen=True)
class Quantized:
    """A model by one scheme.

    Attributes:
        scheme: its key in SCHEMES, or the name of a model that came as it is.
        title: what it does.
        tflite: the file; b"" if it was refused.
        accuracy: share of right classes, or what the caller's metric says; None: neither is known.
        error: mean absolute difference of the first output from the model of floats.
        flash_bytes: of the blob, as compiled for the target.
        arena_bytes: of RAM, likewise.
        macs: multiply-accumulates of a run.
        instructions: of a run on inputs of zeros, each step's within a thousand; None: not
            counted, or too large for the virtual board.
        refused: why there is none; "" if there is.
    """

    scheme: str
    title: str
    tflite: bytes = b""
    accuracy: float | None = None
    error: float = 0.0
    flash_bytes: int = 0
    arena_bytes: int = 0
    macs: int = 0
    instructions: int | None = None
    refused: str = ""


@dataclass(frozen=True)
class Limits:
    """What a model may cost; None: whatever it is.

    Attributes:
        flash_bytes: of its blob.
        arena_bytes: of RAM.
        drop: accuracy that it may lose against the model of floats: 0.005 is half a percent point.
    """

    flash_bytes: int | None = None
    arena_bytes: int | None = None
    drop: float | None = None


def quantize_model(
    model: ModelSource,
    x: npt.ArrayLike,
    y: npt.ArrayLike | None = None,
    *,
    schemes: Sequence[str] | None = None,
    also: Mapping[str, ModelSource] | None = None,
    compress: int | None = None,
    target: str = "cortex-m4",
    optimize: Optimize = "speed",
    instructions: bool = False,
    metric: Callable[[Array, npt.NDArray[np.int64] | None], float] | None = None,
    calibrate: int = 64,
    limit: int | None = None,
    trust: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Quantized]:
    """Quantise a model by several schemes, and measure each.

    Args:
        model: of float32 with one input: a .tflite, or what `Device.load_model` converts to one.
        x: samples [N, ...]: floats as the model takes them, or uint8, which become 0..1.
        y: the class of each, [N].
        schemes: keys of SCHEMES; None: all.
        also: by name, further forms of the network that are measured as they are: pruned,
            clustered, trained for integers.
        compress: measure each once more with 2^compress different weights a layer, as
            `compress_model` makes them: 2, 4 or 8 bits.
        target: CPU that flash and RAM are for.
        optimize: what the blobs are compiled for, see `Device.load_model`.
        instructions: count those of a run, on a virtual board: seconds for each.
        metric: called with the first output of all samples, real values [N, ...], and y; the more
            it returns, the better. None: the share of right classes.
        calibrate: on so many samples the ranges of values are found.
        limit: take only the first samples.
        trust: take another tool's file unseen; it may run code on this computer.
        progress: called with (done, total) schemes.

    Raises:
        InputError: no such scheme, no sample, or samples that do not fit.
        ModelFileError: no .tflite, or none that can be quantised.
        ToolMissingError: a package that a scheme needs is not installed, or QEMU.
        PortNotFoundError: instructions are asked for, and no virtual board has that CPU.
    """
    wanted = list(SCHEMES) if schemes is None else list(schemes)
    if compress is not None and compress not in BITS:
        raise InputError(f"compress must be one of {', '.join(map(str, BITS))}; is {compress}")
    unknown = [name for name in wanted if name not in SCHEMES]
    if unknown:
        raise InputError(f"schemes are {', '.join(SCHEMES)}; not {unknown[0]!r}")
    ready = {name: _read_tflite(given, trust) for name, given in (also or {}).items()}
    twice = [name for name in ready if name in SCHEMES]
    if twice:
        raise InputError(f"a model as it is must not be named as a scheme; is {twice[0]!r}")
    floats = FloatModel(_read_tflite(model, trust))
    samples = fit_samples(floats, x, y, calibrate, limit)
    by_name = {name: SCHEMES[name] for name in wanted}
    by_name |= {name: Scheme("as it is", _giver(made)) for name, made in ready.items()}
    if compress is not None:
        by_name = dict(_both(by_name, compress))
    rows = []
    with InstructionCounter(target) if instructions else nullcontext() as counter:
        measure = _Measure(floats, samples, target, optimize, metric, counter)
        for name, scheme in by_name.items():
            rows.append(measure.by_scheme(name, scheme))
            if progress is not None:
                progress(len(rows), len(by_name))
    return rows


def _both(schemes: Mapping[str, Scheme], bits: int) -> Iterator[tuple[str, Scheme]]:
    """Put behind each scheme the same with few weights."""

    def few(scheme: Scheme) -> Scheme:
        def make(model: FloatModel, samples: Samples) -> bytes:
            return compress_model(scheme.make(model, samples), bits).tflite

        return Scheme(f"{scheme.title}; {1 << bits} weights a layer or channel", make)

    for name, scheme in schemes.items():
        yield name, scheme
        yield f"{name}+{bits}bit", few(scheme)


def _giver(tflite: bytes) -> Callable[[FloatModel, Samples], bytes]:
    return lambda model, samples: tflite


def _read_tflite(model: ModelSource, trust: bool) -> bytes:
    opened = open_model(model, trust)
    if not opened.is_tflite:
        raise ModelFileError("a model to quantise or to measure must be no blob; is one")
    return opened.data


def pick(rows: Sequence[Quantized], limits: Limits) -> Quantized:
    """Choose the most accurate model within limits; of equals the smallest.

    Without classes and metric the one with the least error.

    Raises:
        InputError: none is within them; says which comes nearest.
    """
    made = [row for row in rows if not row.refused]
    best = max((row.accuracy for row in made if row.accuracy is not None), default=None)
    floats = next((row.accuracy for row in made if row.scheme == "float32"), best)

    def excess(row: Quantized) -> list[str]:
        """List what is beyond the limits."""
        found = []
        if limits.flash_bytes is not None and row.flash_bytes > limits.flash_bytes:
            found.append(f"flash {row.flash_bytes:,} of {limits.flash_bytes:,}")
        if limits.arena_bytes is not None and row.arena_bytes > limits.arena_bytes:
            found.append(f"RAM {row.arena_bytes:,} of {limits.arena_bytes:,}")
        less = 0.0 if row.accuracy is None or floats is None else floats - row.accuracy
        if limits.drop is not None and less > limits.drop + 1e-12:
            found.append(f"accuracy {row.accuracy:.2%}, {less:.2%} less")
        return found

    within = [row for row in made if not excess(row)]
    if not within:
        nearest = min(made, key=lambda row: (len(excess(row)), row.flash_bytes), default=None)
        words = "nothing could be made" if nearest is None else _words(nearest, excess(nearest))
        raise InputError(f"no scheme is within the limits; {words}")

    def goodness(row: Quantized) -> tuple[float, int]:
        return (-row.error if row.accuracy is None else row.accuracy, -row.flash_bytes)

    return max(within, key=goodness)


def _words(row: Quantized, beyond: Sequence[str]) -> str:
    return f"nearest is {row.scheme}: {', '.join(beyond)}"


def fit_samples(
    model: FloatModel,
    x: npt.ArrayLike,
    y: npt.ArrayLike | None,
    calibrate: int,
    limit: int | None = None,
) -> Samples:
    """Give a scheme its samples; arguments and errors as of `quantize_model`."""
    arrays = np.asarray(x)
    arrays = arrays if limit is None else arrays[:limit]
    if len(model.inputs) != 1 or len(arrays) == 0 or calibrate < 1:
        raise InputError(
            f"needs a model of one input and a sample; {len(model.inputs)} inputs, "
            f"{len(arrays)} samples, {calibrate} to calibrate"
        )
    tensor = TensorInfo("input", model.shape(model.inputs[0]), "float32")
    as_bytes = TensorInfo("input", tensor.shape, "uint8")
    pixels = arrays.dtype == np.uint8
    fitted = [
        to_input(as_bytes.fit(one), tensor, None) if pixels else tensor.fit(one) for one in arrays
    ]
    labels = None if y is None else read_labels(y, len(fitted))
    return samples_of(model, np.concatenate(fitted), labels, calibrate)


@dataclass(frozen=True)
class _Measure:
    """How models are measured; see `quantize_model`."""

    floats: FloatModel
    samples: Samples
    target: str
    optimize: Optimize
    metric: Callable[[Array, npt.NDArray[np.int64] | None], float] | None
    counter: InstructionCounter | None

    def by_scheme(self, name: str, scheme: Scheme) -> Quantized:
        """Make a model by a scheme and measure it."""
        try:
            tflite = scheme.make(self.floats, self.samples)
            outputs = outputs_of(tflite, self.samples.x)
            if outputs.shape != self.samples.outputs.shape:
                given, wanted = outputs.shape[1:], self.samples.outputs.shape[1:]
                raise ShapeError(f"output of {name!r} must be {wanted}, as of floats; is {given}")
            blob = compile_tflite(open_model(tflite), None, self.target, self.optimize)
        except (ModelFileError, CompileError) as error:
            return Quantized(name, scheme.title, refused=str(error))
        cost, score = relocatable.report(blob), score_of(outputs, self.samples)
        return Quantized(
            name,
            scheme.title,
            tflite,
            score.accuracy if self.metric is None else self.metric(outputs, self.samples.y),
            score.error,
            cost.flash_bytes,
            cost.arena_bytes,
            cost.macs,
            None if self.counter is None else self.counter.count(blob),
        )
