"""A front end for speech, of TFLite Micro's signal operators."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph
from relocatable.ops import OPERATORS
from relocatable.ops.node import Node
from tests.numeric.harness import Array

STEP, SIZE, LENGTH, CHANNELS = 160, 480, 512, 20  # at 16 kHz: 10 ms, 30 ms
_BINS = LENGTH // 2 + 1
_FIRST, _LAST = 4, 240  # frequencies that count
_SUBTRACTION_BITS = 14


def front_end() -> Graph:
    """Make the graph: 10 ms of sound in each run, 20 features."""
    b = GraphBuilder()
    sound = b.input(STEP, dtype="int16", quant=None)
    frames, whole = _int16(b, 1, SIZE), b.tensor(dtype="bool")
    framing = {"frame_size": SIZE, "frame_step": STEP, "prefill": True}
    _signal(b, "Framer", (sound,), (frames, whole), framing)
    frame = b.op("RESHAPE", (frames, b.constant([SIZE])), _int16(b, SIZE))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi / SIZE * (np.arange(SIZE) + 0.5))
    weights = b.constant(np.round(hann * (1 << 12)), "int16")
    windowed, scaled, shift = _int16(b, SIZE), _int16(b, SIZE), b.tensor(dtype="int32")
    _signal(b, "Window", (frame, weights), (windowed,), {"shift": 12})
    _signal(b, "FftAutoScale", (windowed,), (scaled, shift), {})
    spectrum, energy = _int16(b, 2 * _BINS), b.tensor(_BINS, dtype="uint32")
    _signal(b, "Rfft", (scaled,), (spectrum,), {"T": 7, "fft_length": LENGTH})
    bounds = {"start_index": _FIRST, "end_index": _LAST}
    _signal(b, "Energy", (spectrum,), (energy,), bounds)
    bank, level = b.tensor(CHANNELS, dtype="uint64"), b.tensor(CHANNELS, dtype="uint32")
    tables = [b.constant(table, "int16") for table in _bank_tables()]
    _signal(b, "FilterBank", (energy, *tables), (bank,), {"num_channels": CHANNELS})
    _signal(b, "FilterBankSquareRoot", (bank, shift), (level,), {})
    clean, noise, gained = (b.tensor(CHANNELS, dtype="uint32") for _ in range(3))
    _signal(b, "FilterBankSpectralSubtraction", (level,), (clean, noise), _subtraction())
    gains = b.constant(_gains(), "int16")
    _signal(b, "PCAN", (clean, noise, gains), (gained,), {"snr_shift": 6})
    features = _int16(b, CHANNELS)
    scale = {"output_scale": 1600, "input_correction_bits": 3}
    _signal(b, "FilterBankLog", (gained,), (features,), scale)
    return b.graph(features, whole)


def speech(runs: int) -> list[Array]:
    """Make sound whose pitch and loudness change, with noise, in parts of 10 ms."""
    at = np.arange(runs * STEP) / 16_000
    sound = np.sin(2 * np.pi * (300 + 2000 * at) * at) + 0.5 * np.sin(2 * np.pi * 1700 * at)
    sound = sound * np.exp(-8 * at) + np.random.default_rng(3).normal(0, 0.02, at.size)
    return list(np.round(9000 * sound).astype(np.int16).reshape(runs, STEP))


def _int16(b: GraphBuilder, *shape: int) -> int:
    return b.tensor(*shape, dtype="int16", quant=None)


def _signal(
    b: GraphBuilder,
    name: str,
    inputs: tuple[int, ...],
    outputs: tuple[int, ...],
    attrs: Mapping[str, AttrValue],
) -> None:
    """Add an operator, with its memory if it has one."""
    kind = f"CUSTOM Signal{name}"
    b.op(kind, inputs, *outputs, **attrs)
    remembers = OPERATORS[kind].memory
    if remembers is not None:
        memory = remembers(Node.of(b.graph(), b.ops.pop()))
        state = b.state(*memory.shape, dtype=memory.dtype, quant=None)
        b.op(kind, (*inputs, state.first), *outputs, state.last, **attrs)


def _bank_tables() -> tuple[Array, ...]:
    """Make triangles that overlap by half, of equal distance on a logarithmic scale."""
    edges = np.geomspace(_FIRST, _LAST, CHANNELS + 2).astype(int)
    widths = np.diff(edges)
    falls = [1 - (np.arange(width) + 0.5) / width for width in widths]
    weights = np.round(np.concatenate(falls) * (1 << 12))
    starts = edges[:-1]
    return weights, (1 << 12) - weights, starts, starts - _FIRST, widths


def _subtraction() -> Mapping[str, AttrValue]:
    one = 1 << _SUBTRACTION_BITS
    return {
        "num_channels": CHANNELS,
        "smoothing": one // 40,
        "one_minus_smoothing": one - one // 40,
        "alternate_smoothing": one // 17,
        "alternate_one_minus_smoothing": one - one // 17,
        "min_signal_remaining": one // 20,
        "smoothing_bits": 10,
        "spectral_subtraction_bits": _SUBTRACTION_BITS,
        "clamping": False,
    }


def _gains() -> Array:
    """Make curves of gains that fall with the noise, for each number of bits."""
    gains = np.zeros(125)
    gains[:3] = _gain(np.arange(3))
    for bits in range(2, 33):
        low, middle, high = _gain(np.array([2.0 ** (bits - 1), 1.5 * 2.0 ** (bits - 1), 2.0**bits]))
        bend = 2 * (low - 2 * middle + high)
        gains[4 * bits - 6 : 4 * bits - 3] = low, high - low - bend, bend
    return np.round(gains)


def _gain(noise: Array) -> Array:
    return 8192 * (80 + noise / 1024) ** -0.95
