"""A clip as arrays: a folder of pictures, one picture, or a video."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from host_sdk.errors import ImageError, ToolMissingError

Frame: TypeAlias = "npt.NDArray[np.uint8]"

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
_RATE_HZ = 10.0  # of pictures, which have none of their own


class Clip:
    """Pictures one after another; each iteration begins again at the first.

    Args:
        path: a folder, whose pictures are taken by their names; a picture; or a video, which
            needs `xipnet[video]`.

    Attributes:
        rate_hz: pictures per second: the video's own; of pictures 10.

    Raises:
        ImageError: nothing is there, or the first picture cannot be read.
        ToolMissingError: it is a video, and `imageio` is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._pictures = _list_pictures(self.path)
        self._video = None if self._pictures else _Video(self.path)
        self.rate_hz = _RATE_HZ if self._video is None else self._video.rate_hz
        if next(iter(self), None) is None:
            raise ImageError(f"{self.path}: holds no picture")

    def __iter__(self) -> Iterator[Frame]:
        """Yield uint8 [H, W] of gray pictures, else [H, W, 3]."""
        if self._video is not None:
            yield from self._video
            return
        for path in self._pictures:
            yield _read_picture(path)


def fit_frame(frame: Frame, height: int, width: int, channels: int) -> Frame:
    """Fit a picture to another size: its middle, of the wanted aspect ratio, scaled.

    Args:
        frame: uint8 [H, W] or [H, W, 3].
        height: pixels of the result.
        width: pixels of the result.
        channels: 1 or 3 of the result.

    Returns:
        uint8 [height, width, channels]; of this size already, the pixels as they are.
    """
    picture = Image.fromarray(frame).convert("L" if channels == 1 else "RGB")
    if picture.size != (width, height):
        picture = ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture, np.uint8).reshape(height, width, channels)


def _list_pictures(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES)
        if not found:
            raise ImageError(f"{path}: the folder holds no picture")
        return found
    if not path.is_file():
        raise ImageError(f"{path}: no such file or folder")
    return [path] if path.suffix.lower() in _SUFFIXES else []


def _read_picture(path: Path) -> Frame:
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            return np.asarray(upright.convert("L" if upright.mode in ("L", "1") else "RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"picture {path} cannot be read: {reason}") from error


class _Video:
    """A video, by imageio and the ffmpeg that comes with it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._imageio: Any = importlib.import_module("imageio.v3")
        except ImportError as error:
            install = 'pip install "xipnet[video]"'
            raise ToolMissingError("imageio, which reads videos,", install) from error
        try:
            rate_hz = float(self._imageio.immeta(path, plugin="FFMPEG").get("fps", _RATE_HZ))
        except Exception as error:  # what its plugins raise has no common root
            raise _unreadable(path, error) from error
        self.rate_hz = rate_hz if rate_hz > 0 else _RATE_HZ

    def __iter__(self) -> Iterator[Frame]:
        try:
            for frame in self._imageio.imiter(self._path, plugin="FFMPEG"):
                yield np.asarray(frame, np.uint8)
        except Exception as error:
            raise _unreadable(self._path, error) from error


def _unreadable(path: Path, error: Exception) -> ImageError:
    first, *_ = str(error).splitlines() or [type(error).__name__]  # then comes what ffmpeg said
    return ImageError(f"video {path} cannot be read: {first}")
