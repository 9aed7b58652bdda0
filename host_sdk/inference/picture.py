"""A picture as a model's input, and the model's boxes in the picture's pixels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageOps

from host_sdk.display.plain import plain_list
from host_sdk.errors import ImageError, ShapeError
from host_sdk.inference.model import Model, Normalisation
from host_sdk.inference.tensor import Array, TensorInfo

Picture: TypeAlias = "str | os.PathLike[str] | Image.Image | Array"

_MODES = {1: "L", 3: "RGB"}


def open_picture(source: Picture) -> Image.Image:
    """Open a picture as Pillow has it, upright.

    Args:
        source: a file's name, a Pillow image, or an array uint8 [H, W], [H, W, 1], [H, W, 3] or
            [H, W, 4] with values 0..255.

    Raises:
        ImageError: it is none of these, or cannot be read.
    """
    if isinstance(source, Image.Image):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, (str, os.PathLike)):
        return _from_file(Path(source))
    raise ImageError(
        f"picture must be a file name, a Pillow image or an array; is {type(source).__name__}"
    )


def _from_file(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).copy()
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"picture {path} cannot be read: {reason}") from error


def _from_array(array: Array) -> Image.Image:
    plain = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if array.dtype != np.uint8 or not plain or 0 in array.shape:
        raise ImageError(
            "picture array must be uint8 [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]; "
            f"is {array.dtype} {list(array.shape)}"
        )
    return Image.fromarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array)


@dataclass(frozen=True)
class Letterbox:
    """A picture fitted into another size, its aspect ratio kept, the rest black.

    Attributes:
        picture: (width, height) of the picture, pixels.
        target: (width, height) to fit into, pixels.
    """

    picture: tuple[int, int]
    target: tuple[int, int]

    @property
    def scale(self) -> float:
        """Target pixels for one pixel of the picture."""
        return min(self.target[0] / self.picture[0], self.target[1] / self.picture[1])

    @property
    def fitted(self) -> tuple[int, int]:
        """(width, height) of the fitted picture."""
        width, height = self.picture
        return max(round(width * self.scale), 1), max(round(height * self.scale), 1)

    @property
    def corner(self) -> tuple[int, int]:
        """(left, top) of the fitted picture within the target."""
        width, height = self.fitted
        return (self.target[0] - width) // 2, (self.target[1] - height) // 2

    def apply(self, picture: Image.Image) -> Image.Image:
        """Fit a picture into the target's size."""
        canvas = Image.new(picture.mode, self.target)
        canvas.paste(picture.resize(self.fitted, Image.Resampling.BILINEAR), self.corner)
        return canvas

    def undo(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """Turn a box in 0..1 of the target into pixels of the picture, clipped to it.

        Args:
            box: (x0, y0, x1, y1).
        """
        x0, x1 = (self._undo(v, 0) for v in (box[0], box[2]))
        y0, y1 = (self._undo(v, 1) for v in (box[1], box[3]))
        return x0, y0, x1, y1

    def _undo(self, value: float, axis: int) -> float:
        pixel = (value * self.target[axis] - self.corner[axis]) / self.scale
        return min(max(pixel, 0.0), float(self.picture[axis]))


@dataclass(frozen=True)
class PictureInput:
    """A picture made ready for a model.

    Attributes:
        picture: as it was given.
        letterbox: how it was fitted.
        values: the model's input, of its shape and dtype.
    """

    picture: Image.Image
    letterbox: Letterbox
    values: Array


def takes_picture(model: Model) -> bool:
    """Tell whether a picture can be made the model's input."""
    match model.inputs[0].shape:
        case (1, height, width, channels):
            return len(model.inputs) == 1 and channels in _MODES and height * width > 0
        case _:
            return False


def prepare(source: Picture, model: Model) -> PictureInput:
    """Make a picture a model's input: letterbox, channels, normalise, quantise.

    Raises:
        ImageError: the picture cannot be read.
        ShapeError: the model's input is no picture.
    """
    picture = open_picture(source)
    tensor = model.inputs[0]
    if not takes_picture(model):
        inputs = plain_list(model.inputs)
        raise ShapeError(
            f"model '{model.name}' must have one input [1, H, W, 1 or 3] to take a picture; "
            f"has {inputs}"
        )
    _, height, width, channels = tensor.shape
    letterbox = Letterbox(picture.size, (width, height))
    fitted = letterbox.apply(picture.convert(_MODES[channels]))
    pixels = np.asarray(fitted, dtype=np.uint8).reshape(tensor.shape)
    return PictureInput(picture, letterbox, to_input(pixels, tensor, model.image))


def to_input(pixels: Array, tensor: TensorInfo, image: Normalisation | None) -> Array:
    """Turn pixels into the model's input.

    Args:
        pixels: uint8 [1, H, W, C].
        tensor: the input.
        image: how pixels become real values; None: the range 0..255 becomes the whole range of an
            8-bit input, or 0..1 of a float one.

    Raises:
        ShapeError: the normalisation has another number of channels.
    """
    if image is not None:
        mean = _by_channel(image.mean, pixels.shape[-1])
        std = _by_channel(image.std, pixels.shape[-1])
        return tensor.quantise((pixels.astype(np.float32) - mean) / std)
    if tensor.dtype == "uint8":
        return pixels
    if tensor.dtype == "int8":
        return (pixels.astype(np.int16) - 128).astype(np.int8)
    return tensor.quantise(pixels.astype(np.float32) / np.float32(255))


def _by_channel(numbers: tuple[float, ...], channels: int) -> Array:
    if len(numbers) not in (1, channels):
        raise ShapeError(
            f"image mean and std must have 1 or {channels} numbers; have {len(numbers)}"
        )
    return np.array(numbers, np.float32)
