"""A training's models, each measured on a board, where the best stays."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import numpy.typing as npt

from host_sdk.device import Device
from host_sdk.errors import InputError, ModelNotFoundError, NoModelError, XipnetError
from host_sdk.inference.model_source import ModelSource, OpenedModel, compile_tflite, open_model
from host_sdk.quantizing.float_model import FloatModel
from host_sdk.quantizing.quantize import fit_samples
from host_sdk.quantizing.schemes import SCHEMES
from host_sdk.store.upload import Uploaded
from host_sdk.transports import Transport
from host_sdk.validation.report import Report

__all__ = ["BestOnBoard", "Tried"]


@dataclass(frozen=True)
class Tried:
    """A model that was measured on the board.

    Attributes:
        stays: it is at least as right as the best before; otherwise the best serves again.
        accuracy: share of right classes, on the board.
        samples: how many were run.
        exact_samples: how many gave LiteRT's outputs, bit for bit; None: LiteRT cannot run it.
        sent_bytes: that went over the line for it.
        size_bytes: of the blob.
        run_us: mean time of a run, microseconds.
    """

    stays: bool
    accuracy: float
    samples: int
    exact_samples: int | None
    sent_bytes: int
    size_bytes: int
    run_us: float

    def __str__(self) -> str:
        exact = "" if self.exact_samples is None else f", {self.exact_samples} exact to LiteRT"
        return (
            f"{self.accuracy:.2%} of {self.samples} on the board{exact}; "
            f"sent {self.sent_bytes:,} of {self.size_bytes:,} bytes; "
            f"{'stays' if self.stays else 'worse: the best serves again'}"
        )


class BestOnBoard:
    """A place for models in training on a board, taken by the most accurate so far.

    What is there already under the name is measured first, if it takes these samples.

    Args:
        port: of the board, see `Device`; or a board, which stays open.
        x: samples [N, ...] to measure with: floats as the model takes them, or uint8, which become
            0 to 1.
        y: class of each, integers [N].
        name: of the model in the store.
        scheme: how a model is quantised, a key of `SCHEMES`.
        calibrate: samples to find the ranges of values with, as x; None: the first 64 of x.
        limit: measure with the first samples only.
        trial_s: seconds that measuring may take; after them the board returns to the best by
            itself, even if this computer is gone.

    Attributes:
        best: accuracy of what serves; None: nothing was measured yet.
    """

    def __init__(
        self,
        port: str | Transport | Device | None,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        *,
        name: str,
        scheme: str,
        calibrate: npt.ArrayLike | None = None,
        limit: int | None = None,
        trial_s: int = 600,
    ) -> None:
        if scheme not in SCHEMES:
            raise InputError(f"schemes are {', '.join(SCHEMES)}; not {scheme!r}")
        self.best: float | None = None
        self._x, self._y = np.asarray(x)[:limit], np.asarray(y)[:limit]
        self._calibrate = np.asarray(x)[:64] if calibrate is None else np.asarray(calibrate)
        self._name, self._scheme, self._trial_s = name, scheme, trial_s
        self._own = not isinstance(port, Device)
        self._board = port if isinstance(port, Device) else Device(port)

    def __enter__(self) -> BestOnBoard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: object, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the board, if it was opened here."""
        if self._own:
            self._board.close()

    def measure_stored(self) -> float | None:
        """Measure what has the name already, and make it active; None: nothing that fits."""
        with contextlib.suppress(ModelNotFoundError, NoModelError, InputError):
            self._board.activate(self._name)
            self.best = _accuracy(self._board.validate(self._x, self._y, "none"))
        return self.best

    def check(self, model: ModelSource) -> None:
        """Convert, quantise and compile a model: what fails, fails before training.

        Raises: see `try_model`.
        """
        self._compile(self._quantise(model))

    def try_model(self, model: ModelSource) -> Tried:
        """Quantise a model, load it, measure it; it stays, or the best returns.

        Args:
            model: of floats: a .tflite, a live Keras model, or what `Device.load_model` converts.

        Raises:
            InputError: the samples do not fit.
            ModelFileError, ConvertError, CompileError, ToolMissingError: it cannot be made a blob.
            BlobError, StoreError, LinkError: the board does not take it, or is gone.
        """
        made = self._quantise(model)
        blob = self._compile(made)
        loaded = self._board.load_model(blob, self._name, confirm="manual", confirm_s=self._trial_s)
        try:
            report = self._board.validate(self._x, self._y, tflite=made.data)
        except BaseException:  # Ctrl-C, too: no verdict, so not good enough to stay
            with contextlib.suppress(XipnetError):
                self._end_trial(loaded, stays=False)
            raise
        accuracy = _accuracy(report)
        stays = self.best is None or accuracy >= self.best
        self._end_trial(loaded, stays)
        if stays:
            self.best = accuracy
        return Tried(
            stays=stays,
            accuracy=accuracy,
            samples=report.samples,
            exact_samples=report.exact_samples,
            sent_bytes=loaded.sent_bytes,
            size_bytes=len(blob),
            run_us=report.timing.run.mean,
        )

    def _end_trial(self, loaded: Uploaded, stays: bool) -> None:
        if not loaded.pending:  # the very bytes that serve already
            return
        if stays:
            self._board.confirm(self._name)
        else:
            self._board.rollback(self._name)

    def _quantise(self, model: ModelSource) -> OpenedModel:
        floats = FloatModel(open_model(model).data)
        samples = fit_samples(floats, self._calibrate, None, len(self._calibrate))
        return open_model(SCHEMES[self._scheme].make(floats, samples))

    def _compile(self, model: OpenedModel) -> bytes:
        return compile_tflite(model, None, self._board.info().cpu)


def _accuracy(report: Report) -> float:
    assert report.classification is not None  # there are classes
    return report.classification.accuracy
