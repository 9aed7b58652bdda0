"""A front end before the network: its input is sound then, not features.

`micro` is the front end of TensorFlow Lite Micro's microfrontend library with the numbers of
microWakeWord: 16-bit sound of 16 kHz, windows of 30 ms every 10 ms, 40 features of each. It is
made of TFLite Micro's signal operators. What lies before the first sample counts as silence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from relocatable.errors import HeadError
from relocatable.front_ends import micro_tables as tables
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.ops._shared.signal import TYPE_OPTION, signal_kind, type_number

FRONT_ENDS = ("micro",)
PREFIX = "front_end/"  # of the names of its steps
_STEP, _SIZE, _LENGTH = 160, 480, 512  # samples from window to window, of a window, transformed
_MOST_WINDOWS = 8
_FEATURE = Quant((10 / 256,), (0,))  # of microWakeWord
_FACTOR_BITS, _SIGNAL_BITS = 14, 10
_SNR_SHIFT, _CORRECTION_BITS, _LOG_SCALE = 6, 3, 64


def with_front_end(graph: Graph) -> Graph:
    """Put the front end before a network whose first input are features.

    Args:
        graph: as read; its first input must be int8 features of one or some windows, by rising
            time.

    Returns:
        The graph with int16 [160 * windows] `samples` as its first input: a run takes in the
        sound that came since the one before.

    Raises:
        HeadError: the first input is something else.
    """
    if not graph.inputs:
        raise HeadError("[sound] front_end must be for a model with an input; has none")
    features = graph.tensors[graph.inputs[0]]
    windows, rest = divmod(features.count, tables.CHANNELS)
    if rest or not 1 <= windows <= _MOST_WINDOWS:
        raise HeadError(
            f"[sound] front_end must be for an input of {tables.CHANNELS} features of 1 to "
            f"{_MOST_WINDOWS} windows; '{features.name}' is {list(features.shape)}"
        )
    if features.dtype != "int8" or features.quant is None or len(features.quant.scale) != 1:
        seen = f"{features.dtype}, {'no' if features.quant is None else features.quant.scale} scale"
        raise HeadError(
            f"[sound] front_end must be for an int8 input with one scale; '{features.name}' is "
            f"{seen}"
        )
    chain = _Chain(graph)
    samples = chain.add_input(windows * _STEP)
    logs = chain.add_logs(samples, windows)
    # As the package does it. QUANTIZE of int16 would round twice, and often up from below a half.
    real = chain.step("DEQUANTIZE", (logs,), chain.plain(features.count, dtype="float32"))
    quantized = chain.step("QUANTIZE", (real,), chain.int8(features.count, features.quant))
    shape = chain.b.constant(features.shape)
    chain.b.op("RESHAPE", (quantized, shape), graph.inputs[0])
    return chain.joined(graph, samples)


class _Chain:
    """The front end under construction, behind the tensors of a network."""

    def __init__(self, graph: Graph) -> None:
        self.b = GraphBuilder()
        self.b.tensors = list(graph.tensors)

    def add_input(self, count: int) -> int:
        """Add the sound."""
        return self.b.tensor(count, dtype="int16", quant=None, name="samples")

    def int16(self, *shape: int, quant: Quant | None = None) -> int:
        """Add a tensor."""
        return self.b.tensor(*shape, dtype="int16", quant=quant)

    def int8(self, count: int, quant: Quant) -> int:
        """Add a tensor."""
        return self.b.tensor(count, quant=quant)

    def plain(self, *shape: int, dtype: str) -> int:
        """Add a tensor."""
        return self.b.tensor(*shape, dtype=dtype)

    def step(self, kind: str, inputs: Sequence[int], *outputs: int, **attrs: AttrValue) -> int:
        """Add an operator whose outputs are named after it; return its first output."""
        for at, index in enumerate(outputs):
            name = f"{PREFIX}{kind.removeprefix('CUSTOM Signal').lower()}{len(self.b.ops)}"
            tensor = self.b.tensors[index]
            self.b.tensors[index] = replace(tensor, name=f"{name}.{at}" if at else name)
        return self.b.op(kind, inputs, *outputs, **attrs)

    def signal(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], **attrs: AttrValue
    ) -> int:
        """Add one of the signal operators."""
        return self.step(signal_kind(name), inputs, *outputs, **attrs)

    def add_logs(self, samples: int, windows: int) -> int:
        """Add all from sound to features [windows * 40], by time."""
        past = self.b.state(_SIZE - _STEP + 1, dtype="int16", quant=None)
        frames, whole = self.int16(windows, _SIZE), self.plain(dtype="bool")
        framing: Mapping[str, Any] = {"frame_size": _SIZE, "frame_step": _STEP, "prefill": True}
        self.signal("Framer", (samples, past.first), (frames, whole, past.last), **framing)
        weights = self.b.constant(tables.window(_SIZE), "int16")
        windowed = self.int16(windows, _SIZE)
        self.signal("Window", (frames, weights), (windowed,), shift=tables.WEIGHT_BITS)
        each = [self.int16(_SIZE) for _ in range(windows)]
        self.step("UNPACK", (windowed,), *each, num=windows, axis=0)
        channels = tables.CHANNELS
        levels = self.plain(windows, channels, dtype="uint32")
        self.step("PACK", self._levels(each), levels, axis=0, values_count=windows)
        count = windows * channels
        level, clean, noise, gained = (self.plain(count, dtype="uint32") for _ in range(4))
        self.step("RESHAPE", (levels, self.b.constant([count])), level)
        estimate = self.b.state(channels, dtype="uint32")
        name, outputs = "FilterBankSpectralSubtraction", (clean, noise, estimate.last)
        self.signal(name, (level, estimate.first), outputs, **_subtraction())
        gains = self.b.constant(tables.gains(_SIGNAL_BITS - _CORRECTION_BITS), "int16")
        self.signal("PCAN", (clean, noise, gains), (gained,), snr_shift=_SNR_SHIFT)
        log = self.int16(count, quant=_FEATURE)
        scale = {"output_scale": _LOG_SCALE, "input_correction_bits": _CORRECTION_BITS}
        return self.signal("FilterBankLog", (gained,), (log,), **scale)

    def _levels(self, windows: Sequence[int]) -> list[int]:
        """Add what is done to each window by itself: 40 levels."""
        bins = _LENGTH // 2 + 1
        bank = tables.filter_bank(bins)
        constants = [self.b.constant(table, "int16") for table in bank.tables]
        bounds = {"start_index": bank.first, "end_index": bank.last}
        made = []
        for window in windows:
            scaled, shift = self.int16(_SIZE), self.plain(dtype="int32")
            self.signal("FftAutoScale", (window,), (scaled, shift))
            spectrum, energy = self.int16(2 * bins), self.plain(bins, dtype="uint32")
            options: Mapping[str, Any] = {TYPE_OPTION: type_number("int16")}
            self.signal("Rfft", (scaled,), (spectrum,), fft_length=_LENGTH, **options)
            self.signal("Energy", (spectrum,), (energy,), **bounds)
            sums = self.plain(tables.CHANNELS, dtype="uint64")
            level = self.plain(tables.CHANNELS, dtype="uint32")
            inputs = (energy, *constants)
            self.signal("FilterBank", inputs, (sums,), num_channels=tables.CHANNELS)
            made.append(self.signal("FilterBankSquareRoot", (sums, shift), (level,)))
        return made

    def joined(self, graph: Graph, samples: int) -> Graph:
        """Join the front end and the network."""
        names = graph.input_names
        return replace(
            graph,
            tensors=tuple(self.b.tensors),
            ops=(*self.b.ops, *graph.ops),
            inputs=(samples, *graph.inputs[1:]),
            states=(*self.b.states, *graph.states),
            input_names=("samples", *names[1:]) if names else (),
        )


def _subtraction() -> Mapping[str, Any]:
    """Describe the estimate of the noise: 0.025 of even channels, 0.06 of odd ones."""
    one = 1 << _FACTOR_BITS
    even, odd, least = (math.floor(share * one) for share in (0.025, 0.06, 0.05))
    return {
        "num_channels": tables.CHANNELS,
        "smoothing": even,
        "one_minus_smoothing": one - even,
        "alternate_smoothing": odd,
        "alternate_one_minus_smoothing": one - odd,
        "min_signal_remaining": least,
        "smoothing_bits": _SIGNAL_BITS,
        "spectral_subtraction_bits": _FACTOR_BITS,
        "clamping": False,
    }
