"""Pictures as bytes, row by row, channels side by side; `shape` and `size` begin (height, width).

Each returns `out`, or a new buffer if none is given. docs/ON-BOARD.md defines the results.
"""

from typing import Literal

from typing_extensions import Buffer

_Shape = tuple[int, int] | tuple[int, int, int]
_Numbers = float | tuple[float, ...] | list[float]

def resize(
    pixels: Buffer,
    shape: _Shape,
    size: tuple[int, int],
    *,
    out: Buffer | None = None,
    nearest: bool = False,
) -> Buffer:
    """Resizes, bilinear unless `nearest`."""

def letterbox(
    pixels: Buffer,
    shape: _Shape,
    size: tuple[int, int],
    *,
    out: Buffer | None = None,
    nearest: bool = False,
    fill: int = 0,
) -> Buffer:
    """Resizes into the middle of `size`, the aspect ratio kept, `fill` around it."""

def crop(
    pixels: Buffer,
    shape: _Shape,
    area: tuple[int, int, int, int],
    *,
    out: Buffer | None = None,
) -> Buffer:
    """Cuts out (left, top, width, height)."""

def convert(
    pixels: Buffer,
    source: Literal["gray", "rgb", "rgb565", "rgb565be"],
    target: Literal["gray", "rgb"],
    *,
    out: Buffer | None = None,
) -> Buffer:
    """Convert each pixel to another format."""

def quantise(
    pixels: Buffer,
    scale: float,
    zero_point: int,
    *,
    mean: _Numbers = 0,
    std: _Numbers = 1,
    out: Buffer | None = None,
) -> Buffer:
    """(pixel - mean) / std / scale + zero_point, rounded and saturated: int8, or what `out` holds.

    `mean` and `std` are numbers, or one for each channel.
    """
