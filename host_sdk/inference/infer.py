"""Runs of a given model on arrays and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from host_sdk.inference.model import Inputs, Model, Named
from host_sdk.inference.picture import Letterbox, Picture, PictureInput, prepare, takes_picture
from host_sdk.inference.profile import Profile, make_profile
from host_sdk.inference.run import RunResult, input_layouts, run, run_many
from host_sdk.inference.tensor import Array
from host_sdk.link.session import Session
from relocatable.blob.ports import Outputs


@dataclass(frozen=True)
class PictureRun:
    """A run on a picture.

    Attributes:
        input: the picture, made ready.
        result: the head's.
    """

    input: PictureInput
    result: RunResult


def infer(session: Session, model: Model, inputs: Inputs) -> RunResult:
    """Run the network on arrays; see `Device.infer`."""
    return run(session, _encode(model, inputs), layouts=input_layouts(model))


def infer_many(
    session: Session,
    model: Model,
    inputs: Iterable[npt.ArrayLike | tuple[npt.ArrayLike, ...] | Named],
) -> Iterator[RunResult]:
    """Run the network on many arrays; see `Device.infer_many`."""
    samples = (_encode(model, x if isinstance(x, tuple) else (x,)) for x in inputs)
    result_bytes = sum(t.size_bytes for t in model.outputs)
    return run_many(session, samples, result_bytes, layouts=input_layouts(model))


def infer_picture(session: Session, model: Model, picture: Picture, entry: int) -> PictureRun:
    """Run a head on a picture.

    Args:
        session: with the board.
        model: the active one.
        picture: see `Device.detect`.
        entry: the head's, see `Model.entry`.

    Raises:
        ImageError, ShapeError: the picture cannot be read, or the model takes none.
    """
    ready = prepare(picture, model)
    data = [ready.values.tobytes()]
    return PictureRun(ready, run(session, data, entry, layouts=input_layouts(model)))


def infer_head(
    session: Session, model: Model, inputs: Sequence[Any]
) -> tuple[RunResult, Letterbox | None]:
    """Run the model's head on a picture or arrays, see `Device.run_head`.

    Returns:
        The head's result, and how a picture was fitted.
    """
    entry, _ = model.head()
    if takes_picture(model) and len(inputs) == 1:
        picture_run = infer_picture(session, model, inputs[0], entry)
        return picture_run.result, picture_run.input.letterbox
    return run(session, _encode(model, inputs), entry, layouts=input_layouts(model)), None


def profile(session: Session, model: Model, inputs: Inputs) -> Profile:
    """Measure each step of the network and its head; without inputs, on zeros."""
    data = _encode(model, inputs) if inputs else [bytes(t.size_bytes) for t in model.inputs]
    return make_profile(model, run(session, data, len(model.entries) - 1, profile=True))


def read_outputs(model: Model, result: RunResult, raw: bool) -> Array | Outputs:
    """Read a result's outputs: real values, or if `raw` those of the model's dtypes."""
    read = model.read_outputs(result.data)
    real = (tensor.dequantise(values) for tensor, values in zip(model.outputs, read, strict=True))
    outputs = read if raw else Outputs(real, read.names)
    return outputs[0] if len(outputs) == 1 else outputs


def _encode(model: Model, inputs: Inputs) -> list[bytes]:
    return [x.tobytes() for x in model.fit(inputs)]
