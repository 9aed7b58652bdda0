"""What a source brings as a model's inputs: pictures, or windows of sound."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from host_sdk.errors import InputError
from host_sdk.inference.model import Model
from host_sdk.inference.picture import Letterbox, prepare
from host_sdk.inference.tensor import Array, TensorInfo
from host_sdk.media.frames import Clip
from host_sdk.media.sound import read_wav

StreamSource: TypeAlias = "str | os.PathLike[str] | Iterable[npt.ArrayLike]"

_FULL_SCALE = 32768.0  # of int16 samples as real values


@dataclass(frozen=True)
class Window:
    """What is run at once.

    Attributes:
        x: what was seen: a picture uint8 [H, W] or [H, W, 3], or what the model is fed.
        inputs: bytes of each input.
        letterbox: how a picture was fitted; None: it is none, or has the input's shape.
    """

    x: Array
    inputs: list[bytes]
    letterbox: Letterbox | None = None


@dataclass(frozen=True)
class Windows:
    """The windows of a source.

    Attributes:
        rate_hz: windows per second at the source's own pace; None: it has none.
        items: the windows, each made when it is asked for.
    """

    rate_hz: float | None
    items: Iterator[Window]


def open_windows(
    source: StreamSource, model: Model, hop: int | None, window: int | None
) -> Windows:
    """Open a source.

    Args:
        source: a WAV file; a folder of pictures, a picture, a video; or arrays, one after
            another: uint8 pictures, what the model is fed, or with `hop` or `window` pieces of
            samples [n] of any length.
        model: that is fed.
        hop: samples by which the window slides; None: the window.
        window: samples that are run at once; None: all of the input.

    Raises:
        InputError: the source cannot be read, or has no samples to count.
        ShapeError, DtypeError: it does not fit the model.
    """
    slides = hop is not None or window is not None
    items = math.prod(model.inputs[0].shape)
    window = items if window is None else window
    hop = window if hop is None else hop
    if not 1 <= hop <= window:
        raise InputError(f"hop must be 1 to the window of {window} samples; is {hop}")
    if not isinstance(source, (str, os.PathLike)):
        if slides:
            return Windows(None, _slide((np.ravel(x) for x in source), model, window, hop))
        return Windows(None, (_one(np.asarray(x), model) for x in source))
    if Path(source).suffix.lower() == ".wav":
        sound = read_wav(source)
        pieces = iter((sound.samples,))
        return Windows(sound.rate_hz / hop, _slide(pieces, model, window, hop))
    if slides:
        raise InputError(f"{source}: hop and window count samples; pictures have none")
    clip = Clip(source)
    return Windows(clip.rate_hz, (_picture(frame, model) for frame in clip))


def _one(x: Array, model: Model) -> Window:
    tensor = model.inputs[0]
    fits = [n for n in x.shape if n != 1] == [n for n in tensor.shape if n != 1]
    if x.dtype == np.uint8 and x.ndim in (2, 3) and not (fits and tensor.dtype == "uint8"):
        return _picture(x, model)
    return Window(x, [tensor.fit(x).tobytes()])


def _picture(x: Array, model: Model) -> Window:
    ready = prepare(x, model)
    return Window(x, [ready.values.tobytes()], ready.letterbox)


def _slide(pieces: Iterable[Array], model: Model, window: int, hop: int) -> Iterator[Window]:
    """Yield whole windows; what is left at the end is none."""
    tensor = model.inputs[0]
    waiting: Array = np.zeros(0)
    first = True
    for piece in pieces:
        waiting = piece if first else np.concatenate([waiting, piece])
        first = False
        at = 0
        for at in range(0, len(waiting) - window + 1, hop):
            x = waiting[at : at + window]
            yield Window(x, [tensor.fit(_shaped(x, tensor)).tobytes()])
        if len(waiting) >= window:
            waiting = waiting[at + hop :]


def _shaped(x: Array, tensor: TensorInfo) -> Array:
    """Shape samples as the input, if they are so many.

    Those of int16 become real values -1..1, unless they are what the input holds.
    """
    if x.dtype == np.int16 and tensor.dtype != "int16":
        x = x.astype(np.float32) / _FULL_SCALE
    return x.reshape(tensor.shape) if x.size == math.prod(tensor.shape) else x
