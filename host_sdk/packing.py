"""Packs inputs for a slow line (docs/SPEC-wire.md, section 8). No I/O.

Neighbours predict each byte, as in lossless image codes; an arithmetic code of adaptive bits says
what the prediction missed. It needs a hundred bytes of state on the board and is made for what
inputs are: pictures, spectrograms, mostly smooth or mostly empty. Other data may grow; then `pack`
gives None.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from host_sdk.values import Value

VERSION = 1
_CONTEXT_STEPS = (0, 8, 40)
_LOGS = 7
_EVEN, _RATE = 2048, 4
_HEAD_BYTES = 16  # what a packed input carries more than its bytes
_UNPACK_S = 2e-6  # for a byte on a slow board: some 100 instructions
_SMOOTHING = 0.2
_MOST_SKIPPED = 64


@dataclass(frozen=True)
class Shape:
    """How the bytes lie.

    Attributes:
        pixel: bytes from a value to the next of its channel.
        row: bytes from a row to the next, a multiple of `pixel`.
        flip: 0x80 for signed values, else 0.
    """

    pixel: int
    row: int
    flip: int


def shape_of(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> Shape:
    """The lie of a tensor's bytes: of [.., H, W, C] rows of W, of others one row of all.

    Args:
        shape: of the tensor.
        dtype: of its values.
    """
    flip = 0x80 if dtype.kind == "i" and dtype.itemsize == 1 else 0
    if len(shape) >= 3:
        pixel = max(1, shape[-1] * dtype.itemsize)
        return Shape(pixel, max(1, shape[-2]) * pixel, flip)
    row = max(1, shape[-1] if shape else 1) * dtype.itemsize
    return Shape(dtype.itemsize, row, flip)


class Packer:
    """Packs an input where that is sooner there than the input itself.

    Args:
        shape: how its bytes lie.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._pack_s = 0.0  # for a byte, here
        self._to_skip = 0
        self._skips = 0  # after the next failure

    def value(self, data: bytes, byte_s: float | None) -> bytes | list[Value]:
        """What to send.

        Args:
            data: the input, or a piece of it.
            byte_s: seconds that a byte takes on the line; None: unknown.

        Returns:
            The data, or `[size, pixel, row, flip, packed]`.
        """
        limit = self._limit(len(data), byte_s)
        if limit <= 0:
            return data
        if self._to_skip:
            self._to_skip -= 1
            return data
        start = time.perf_counter()
        packed = pack(data, self._shape, limit)
        taken_s = (time.perf_counter() - start) / len(data)
        self._pack_s += (taken_s - self._pack_s) * (_SMOOTHING if self._pack_s else 1.0)
        if packed is None:
            self._skips = min(2 * self._skips + 1, _MOST_SKIPPED)
            self._to_skip = self._skips
            return data
        self._skips = 0
        return [len(data), self._shape.pixel, self._shape.row, self._shape.flip, packed]

    def _limit(self, size: int, byte_s: float | None) -> int:
        """Below so many bytes packing gains time, for packing and unpacking take some."""
        if not byte_s:
            return 0
        return size - _HEAD_BYTES - int(size * (_UNPACK_S + self._pack_s) / byte_s)


def pack(data: bytes, shape: Shape, limit: int) -> bytes | None:
    """Packs bytes.

    Args:
        data: what is to be sent.
        shape: how its bytes lie.
        limit: bytes that the result may have; by no more than that it pays.

    Returns:
        Less than `limit` bytes, or None.
    """
    values = np.frombuffer(data, np.uint8).astype(np.int32) ^ shape.flip
    predicted, contexts = _predict(values, shape)
    misses = (values - predicted + 128) % 256 - 128
    coder = _Coder(limit)
    if not _code(coder, misses.tolist(), contexts.tolist()):
        return None
    packed = coder.end()
    return packed if len(packed) < limit else None


def _predict(
    values: npt.NDArray[np.int32], shape: Shape
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Each byte's prediction from those before it, and its context."""
    size = len(values)
    at = np.arange(size)
    column = at % shape.row
    has_north, has_west = at >= shape.row, column >= shape.pixel

    def back(by: int) -> npt.NDArray[np.int32]:
        moved = np.zeros(size, np.int32)
        if 0 <= by < size:
            moved[by:] = values[: size - by]
        return moved

    west, north = back(shape.pixel), back(shape.row)
    north = np.where(has_north, north, 0)
    west = np.where(has_west, west, north)
    north = np.where(has_north, north, west)
    northwest = np.where(has_north & has_west, back(shape.row + shape.pixel), north)
    has_northeast = has_north & (column + shape.pixel < shape.row)
    northeast = np.where(has_northeast, back(shape.row - shape.pixel), north)
    less, more = np.minimum(west, north), np.maximum(west, north)
    plane = west + north - northwest
    predicted = np.where(northwest >= more, less, np.where(northwest <= less, more, plane))
    activity = abs(west - northwest) + abs(north - northwest) + abs(northeast - north)
    contexts = sum((activity > step).astype(np.int32) for step in _CONTEXT_STEPS)
    return predicted.astype(np.int32), np.asarray(contexts, np.int32)


class _Coder:
    """The arithmetic code, carryless: 32 bits of range, 12 bits of probability."""

    def __init__(self, limit: int) -> None:
        self.low, self.high = 0, 0xFFFFFFFF
        self.out = bytearray()
        self.limit = limit

    def bit(self, bit: int, probability: int) -> None:
        middle = self.low + ((self.high - self.low) >> 12) * probability
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while not (self.low ^ self.high) & 0xFF000000:
            self.out.append(self.high >> 24)
            self.low = self.low << 8 & 0xFFFFFFFF
            self.high = (self.high << 8 & 0xFFFFFFFF) | 0xFF

    def end(self) -> bytes:
        """Enough of a number in the last range; zeros that follow are left out."""
        for kept in (0x00000000, 0xFF000000, 0xFFFF0000, 0xFFFFFF00, 0xFFFFFFFF):
            number = self.high & kept
            if number >= self.low:
                break
        return bytes(self.out + number.to_bytes(4, "big")).rstrip(b"\0")


def _code(coder: _Coder, misses: list[int], contexts: list[int]) -> bool:
    """Codes all misses; False where the limit was passed."""
    miss_models = [_EVEN] * (len(_CONTEXT_STEPS) + 1)
    sign_models = list(miss_models)
    log_models = [[_EVEN] * _LOGS for _ in miss_models]
    top_models = [_EVEN] * (_LOGS + 1)

    def adaptive(models: list[int], index: int, bit: int) -> None:
        probability = models[index]
        coder.bit(bit, probability)
        if bit:
            models[index] = probability + ((4096 - probability) >> _RATE)
        else:
            models[index] = probability - (probability >> _RATE)

    for miss, context in zip(misses, contexts, strict=True):
        adaptive(miss_models, context, miss != 0)
        if not miss:
            continue
        adaptive(sign_models, context, miss < 0)
        magnitude = abs(miss)
        log = magnitude.bit_length() - 1
        for i in range(min(log + 1, _LOGS)):
            adaptive(log_models[context], i, i < log)
        for i in range(log - 1, -1, -1):
            bit = magnitude >> i & 1
            if i == log - 1:
                adaptive(top_models, log, bit)
            else:
                coder.bit(bit, _EVEN)
        if len(coder.out) >= coder.limit:
            return False
    return True
