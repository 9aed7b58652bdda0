"""The packing of inputs for a slow line (docs/SPEC-wire.md, section 8). No I/O.

Neighbours predict each byte, as in lossless image codes; an arithmetic code of adaptive bits says
what the prediction missed. It needs 200 bytes of state on the board and suits what inputs mostly
are: pictures, spectrograms, mostly smooth or mostly empty. Other data may grow; then `pack`
gives None.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from host_sdk.link.values import Value

_CONTEXT_STEPS = (0, 8, 40)
_LOGS = 7
_EVEN = 2048  # of 4096: both bits are equally likely
_FIRST_DIVISOR, _LAST_DIVISOR = 3, 65  # a model learns quickly at first
_HEAD_BYTES = 16  # that a packed input carries besides its bytes
_UNPACK_S = 2e-6  # for a byte on a slow board: some 100 instructions
_SMOOTHING = 0.2
_MOST_SKIPPED = 64


@dataclass(frozen=True)
class ByteLayout:
    """The memory layout of a tensor.

    Attributes:
        pixel: bytes from a value to the next of its channel.
        row: bytes from a row to the next, a multiple of `pixel`.
        flip: 0x80 for signed values, else 0.
    """

    pixel: int
    row: int
    flip: int


def layout_of(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> ByteLayout:
    """Give the layout of a tensor: [.., H, W, C] has rows of W, others are one row.

    Args:
        shape: of the tensor.
        dtype: of its values.
    """
    flip = 0x80 if dtype.kind == "i" and dtype.itemsize == 1 else 0
    if len(shape) >= 3:
        pixel = max(1, shape[-1] * dtype.itemsize)
        return ByteLayout(pixel, max(1, shape[-2]) * pixel, flip)
    row = max(1, shape[-1] if shape else 1) * dtype.itemsize
    return ByteLayout(dtype.itemsize, row, flip)


class Packer:
    """A packer of inputs, used if a packed input arrives sooner than the input.

    Args:
        layout: its memory layout.
    """

    def __init__(self, layout: ByteLayout) -> None:
        self._layout = layout
        self._pack_s = 0.0  # for a byte, here
        self._to_skip = 0
        self._skips = 0  # after the next failure

    def value(self, data: bytes, byte_s: float | None) -> bytes | list[Value]:
        """Choose what to send.

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
        packed = pack(data, self._layout, limit)
        taken_s = (time.perf_counter() - start) / len(data)
        self._pack_s += (taken_s - self._pack_s) * (_SMOOTHING if self._pack_s else 1.0)
        if packed is None:
            self._skips = min(2 * self._skips + 1, _MOST_SKIPPED)
            self._to_skip = self._skips
            return data
        self._skips = 0
        return [len(data), self._layout.pixel, self._layout.row, self._layout.flip, packed]

    def _limit(self, size: int, byte_s: float | None) -> int:
        """Give the size below which packing gains time: packing and unpacking take some."""
        if not byte_s:
            return 0
        return size - _HEAD_BYTES - int(size * (_UNPACK_S + self._pack_s) / byte_s)


def pack(data: bytes, layout: ByteLayout, limit: int) -> bytes | None:
    """Pack bytes.

    Args:
        data: what is to be sent.
        layout: its memory layout.
        limit: bytes that the result may have; above that it does not pay.

    Returns:
        Less than `limit` bytes, or None.
    """
    values = np.frombuffer(data, np.uint8).astype(np.int32) ^ layout.flip
    predicted, contexts = _predict(values, layout)
    at_end = (predicted == 0) | (predicted == 255)  # nothing can be beyond
    misses = values - predicted
    misses = np.where(at_end, misses, (misses + 128) % 256 - 128)
    coder = _Coder(limit)
    if not _code(coder, misses.tolist(), predicted.tolist(), contexts.tolist()):
        return None
    packed = coder.end()
    return packed if len(packed) < limit else None


def _predict(
    values: npt.NDArray[np.int32], layout: ByteLayout
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Predict each byte from those before it, and give its context."""
    size = len(values)
    at = np.arange(size)
    column = at % layout.row
    has_north, has_west = at >= layout.row, column >= layout.pixel

    def back(by: int) -> npt.NDArray[np.int32]:
        moved = np.zeros(size, np.int32)
        if 0 <= by < size:
            moved[by:] = values[: size - by]
        return moved

    west, north = back(layout.pixel), back(layout.row)
    north = np.where(has_north, north, 0)
    west = np.where(has_west, west, north)
    north = np.where(has_north, north, west)
    northwest = np.where(has_north & has_west, back(layout.row + layout.pixel), north)
    has_northeast = has_north & (column + layout.pixel < layout.row)
    northeast = np.where(has_northeast, back(layout.row - layout.pixel), north)
    west2 = np.where(column >= 2 * layout.pixel, back(2 * layout.pixel), west)
    north2 = np.where(at >= 2 * layout.row, back(2 * layout.row), north)
    # The mean of west and north, leaning along an edge and along the slopes that lead here.
    down = abs(west - northwest) + abs(north - north2)
    right = abs(west - west2) + abs(north - northwest)
    edge = abs(down - right)
    pull = np.choose((edge > 8).astype(int) + (edge > 32) + (edge > 80), (0, 1, 2, 4))
    mean = (2 * west + 2 * north + northeast - northwest) >> 2
    mean += (np.where(down > right, west, north) - mean) * pull >> 2
    predicted = (6 * mean + 2 * west - west2 + 2 * north - north2) >> 3
    activity = abs(west - northwest) + abs(north - northwest) + abs(northeast - north)
    contexts = sum((activity > step).astype(np.int32) for step in _CONTEXT_STEPS)
    return np.clip(predicted, 0, 255), np.asarray(contexts, np.int32)


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
        """Write enough of a number in the last range; zeros that follow are left out."""
        for kept in (0x00000000, 0xFF000000, 0xFFFF0000, 0xFFFFFF00, 0xFFFFFFFF):
            number = self.high & kept
            if number >= self.low:
                break
        return bytes(self.out + number.to_bytes(4, "big")).rstrip(b"\0")


@dataclass
class _Model:
    """A probability of a 1, in 65536ths; the next bit moves it by 2/`divisor`."""

    probability: int = 32768
    divisor: int = _FIRST_DIVISOR


def _models(count: int) -> list[_Model]:
    return [_Model() for _ in range(count)]


def _code(coder: _Coder, misses: list[int], predicted: list[int], contexts: list[int]) -> bool:
    """Code all misses; return False once the limit is passed."""
    count = len(_CONTEXT_STEPS) + 1
    miss_models, sign_models = (_models(count), _models(count)), _models(count)
    log_models, top_models = [_models(_LOGS) for _ in range(count)], _models(_LOGS + 1)

    def adaptive(model: _Model, bit: int) -> None:
        probability = model.probability
        coder.bit(bit, probability >> 4)
        if bit:
            model.probability += 2 * (65535 - probability) // model.divisor
        else:
            model.probability -= 2 * probability // model.divisor
        if model.divisor < _LAST_DIVISOR:
            model.divisor += 2

    for miss, at, context in zip(misses, predicted, contexts, strict=True):
        adaptive(miss_models[at == 0][context], miss != 0)
        if not miss:
            continue
        if 0 < at < 255:
            adaptive(sign_models[context], miss < 0)
        magnitude = abs(miss)
        log = magnitude.bit_length() - 1
        for i in range(min(log + 1, _LOGS)):
            adaptive(log_models[context][i], i < log)
        for i in range(log - 1, -1, -1):
            bit = magnitude >> i & 1
            if i == log - 1:
                adaptive(top_models[log], bit)
            else:
                coder.bit(bit, _EVEN)
        if len(coder.out) >= coder.limit:
            return False
    return True
