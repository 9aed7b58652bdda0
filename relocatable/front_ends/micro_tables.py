"""Constants of the front end `micro`.

They follow TensorFlow's `lite/experimental/microfrontend/lib` (window_util.c, filterbank_util.c,
pcan_gain_control_util.c), all in single precision, as microWakeWord's copy of it computes them: the
same integers come out. TensorFlow's own copy, in double precision, differs in four of them by 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CHANNELS = 40
WEIGHT_BITS = 12
_RATE = 16_000
_LOW_HZ, _HIGH_HZ = np.float32(125), np.float32(7500)
_STRENGTH, _OFFSET, _GAIN_BITS = 0.95, 80.0, 21
_MOST_GAIN = 0x7FFF
_HALF = np.float32(0.5)
# Frequencies whose weights are so near to a half that the C library's log1pf, of which the last bit
# is not always right, takes them beyond.
_ROUNDED_UP = (149, 221)

Array = npt.NDArray[np.int16]


class FilterBank(NamedTuple):
    """Overlapping triangles of equal width on the mel scale.

    Attributes:
        tables: weights, unweights, and for each channel and one more the first frequency, the
            place of its weight, and the number of frequencies.
        first, last: frequencies from first to last - 1 count.
    """

    tables: tuple[Array, ...]
    first: int
    last: int


def window(size: int) -> Array:
    """Make a Hann window of 12 bits after the point."""
    turns = np.float32(math.pi * 2 / size) * (np.arange(size, dtype=np.float32) + _HALF)
    return _rounded(_HALF - _HALF * np.cos(turns.astype(float)).astype(np.float32))


def filter_bank(bins: int) -> FilterBank:
    """Make the triangles over frequencies of a spectrum of `bins`."""
    low, high = _mel(_LOW_HZ), _mel(_HIGH_HZ)
    spacing = np.float32((high - low) / np.float32(CHANNELS + 1))
    centers = [np.float32(low + spacing * np.float32(i + 1)) for i in range(CHANNELS + 1)]
    hz_per_bin = np.float32(0.5 * _RATE / (bins - 1.0))
    first = int(np.float32(1.5) + _LOW_HZ / hz_per_bin)
    mels = np.array([_mel(np.float32(i) * hz_per_bin) for i in range(bins + 1)])
    # The frequencies of each channel end with the last one that is not above its centre.
    ends = [max(first, int((mels <= center).sum())) for center in centers]
    starts = [first, *ends[:-1]]
    widths = [end - start for start, end in zip(starts, ends, strict=True)]
    falls: list[np.float32] = []
    for center, below, start, end in zip(centers, [low, *centers[:-1]], starts, ends, strict=True):
        falls += [np.float32((center - mel) / (center - below)) for mel in mels[start:end]]
    weights = np.array(falls, np.float32)
    places = [start - first for start in starts]
    lists = (np.array(values, np.int16) for values in (starts, places, widths))
    tables = _rounded(weights), _rounded(np.float32(1) - weights)
    for frequency in _ROUNDED_UP:
        for table, change in zip(tables, (1, -1), strict=True):
            table[frequency - first] += change
    return FilterBank((*tables, *lists), first, ends[-1])


def gains(input_bits: int) -> Array:
    """Make the curves of the gain that falls with the noise.

    Args:
        input_bits: of the noise, after the point.

    Returns:
        Three gains, for noises of 0, 1 and 2; then for each number of bits 2 to 32 the gain of the
        least such noise, and how the curve rises and bends from there, with a 0 in between.
    """
    found = np.zeros(4 * 32 - 6 + 3, np.int16)
    found[:2] = _gain(0, input_bits), _gain(1, input_bits)
    for bits in range(2, 33):
        low = 1 << bits - 1
        places = low, low + (low >> 1), 2 * low - (bits == 32)
        start, middle, end = (_gain(at, input_bits) for at in places)
        rise = 4 * (middle - start) - (end - start)
        at = 4 * bits - 6
        found[at : at + 3] = start, rise, end - start - rise
    return found


def _gain(noise: int, input_bits: int) -> int:
    real = np.float32(noise) / np.float32(1 << input_bits)
    power = np.float32(np.power(real + np.float32(_OFFSET), np.float32(-_STRENGTH)))
    gain = np.float32(1 << _GAIN_BITS) * power
    return min(_MOST_GAIN, int(gain + _HALF))


def _mel(hz: np.float32) -> np.float32:
    return np.float32(1127) * np.float32(math.log1p(hz / np.float32(700)))


def _rounded(shares: npt.NDArray[np.float32]) -> Array:
    scaled = shares * np.float32(1 << WEIGHT_BITS) + _HALF
    return np.asarray(np.floor(scaled), np.int16)
