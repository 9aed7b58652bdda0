"""The tensors of a model: shapes, dtypes, quantised and real values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from host_sdk.errors import DtypeError, InputError, ProtocolError, ShapeError
from host_sdk.link.wire_map import WireMap

Array = npt.NDArray[Any]

_DTYPES = (
    *("int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"),
    *("float32", "bool", "complex64"),
)
_MOST_DIMENSIONS = 32
_MOST_ELEMENTS = (1 << 31) - 1
_MOST_SCALE = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: real = scale * (quantised - zero_point).

    Attributes:
        name: as in the model.
        shape: with the batch of 1.
        dtype: NumPy's name.
        scale: None if the values are plain numbers.
        zero_point: None if the values are plain numbers.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None

    @staticmethod
    def read(fields: WireMap) -> TensorInfo:
        """Read an item of the metadata's `tensors`."""
        if fields.text("dtype") not in _DTYPES:
            raise fields.wrong("dtype", f"one of {', '.join(_DTYPES)}")
        shape = fields.counts("shape")
        if len(shape) > _MOST_DIMENSIONS or math.prod(shape) > _MOST_ELEMENTS:
            raise fields.wrong(
                "shape", f"{_MOST_DIMENSIONS} sizes, {_MOST_ELEMENTS} elements at most"
            )
        quantised = "scale" in fields
        return TensorInfo(
            name=fields.text("name"),
            shape=shape,
            dtype=fields.text("dtype"),
            scale=_read_scale(fields) if quantised else None,
            zero_point=fields.integer("zero_point", -(1 << 31), 1 << 31) if quantised else None,
        )

    @property
    def size_bytes(self) -> int:
        """Bytes of all elements."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"

    def fit(self, values: npt.ArrayLike) -> Array:
        """Fit values to what the model takes: this shape and dtype.

        Args:
            values: of this dtype, taken as they are, or floats, taken as real values and quantised
                by the scale. Dimensions of 1 may be left out.

        Raises:
            ShapeError: another shape.
            DtypeError: neither this dtype nor floats.
        """
        array = np.asarray(values)
        if _without_ones(array.shape) != _without_ones(self.shape):
            raise ShapeError(
                f"input '{self.name}' must have shape {list(self.shape)} (dimensions of 1 may "
                f"be left out); has {list(array.shape)}"
            )
        array = array.reshape(self.shape)
        if array.dtype == self.dtype:
            return np.ascontiguousarray(array)
        if array.dtype.kind != "f":
            raise DtypeError(
                f"input '{self.name}' must be {self.dtype} or, as real values, float; "
                f"is {array.dtype}"
            )
        return self.quantise(array)

    def quantise(self, real: Array) -> Array:
        """Quantise real values: nearest, halves away from zero, saturated.

        Args:
            real: floats of any shape.

        Raises:
            InputError: a value is NaN.
        """
        if self.dtype == "float32":
            return real.astype(np.float32)
        if np.isnan(real).any():
            raise InputError(f"input '{self.name}' must hold no NaN")
        scaled = real.astype(np.float32) / np.float32(self.scale or 1.0)
        rounded = np.copysign(np.floor(np.abs(scaled) + 0.5), scaled) + (self.zero_point or 0)
        limits = _limits(self.dtype)
        # float64 holds the limits of int32 exactly
        clipped: Array = np.clip(rounded.astype(np.float64), *limits).astype(self.dtype)
        return clipped

    def read_values(self, data: bytes) -> Array:
        """Read values of this shape and dtype from the board's bytes.

        Raises:
            ProtocolError: the number of bytes is another.
        """
        if len(data) != self.size_bytes:
            raise ProtocolError(
                f"output '{self.name}': must have {self.size_bytes} bytes; has {len(data)}"
            )
        return np.frombuffer(data, self.dtype).reshape(self.shape).copy()

    def dequantise(self, values: Array) -> Array:
        """Turn quantised values into real ones (float32); plain numbers stay."""
        if self.scale is None:
            return values
        shifted = values.astype(np.int64) - (self.zero_point or 0)
        return shifted.astype(np.float32) * np.float32(self.scale)


def _read_scale(fields: WireMap) -> float:
    scale = fields.number("scale")
    if not 0.0 <= scale <= _MOST_SCALE:
        raise fields.wrong("scale", "a float32, 0 or more")
    return scale


def _without_ones(shape: tuple[int, ...]) -> list[int]:
    return [n for n in shape if n != 1]


def _limits(dtype: str) -> tuple[float, float]:
    if dtype == "bool":
        return 0, 1
    info = np.iinfo(dtype)
    return float(info.min), float(info.max)
