"""Streams from the PC: windows, order, times, what is dropped."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from host_sdk import Device
from host_sdk.errors import DtypeError, ImageError, InputError, ShapeError
from host_sdk.media.sound import write_wav
from host_sdk.streams.live import Live
from host_sdk.streams.stream import summarise
from host_sdk.streams.windows import Window, Windows
from tests.unit.host_sdk.conftest import ADDED as N


def test_arrays_come_back_in_order_with_their_times(adder: Device) -> None:
    xs = [np.full((1, N), i, np.int8) for i in range(20)]
    stream = adder.stream(iter(xs))
    items = list(stream)
    assert [item.index for item in items] == list(range(20))
    for x, item in zip(xs, items, strict=True):
        np.testing.assert_array_equal(item.x, x)
        np.testing.assert_array_equal(item.result, adder.infer(x))
        assert item.captured_s <= item.sent_s <= item.done_s
    assert stream.latency.count == 20
    assert stream.latency.dropped == 0
    assert stream.latency.mean_ms == pytest.approx(1000 * np.mean([i.latency_s for i in items]))


def test_several_runs_are_under_way(adder: Device) -> None:
    taken: list[int] = []

    def count() -> Iterator[np.ndarray]:
        for i in range(100):
            taken.append(i)
            yield np.zeros((1, N), np.int8)

    next(adder.stream(count()))
    assert 2 <= len(taken) < 30


@pytest.mark.parametrize("sizes", [[30], [1] * 30, [7, 0, 9, 14]])
def test_pieces_of_samples_become_windows(adder: Device, sizes: list[int]) -> None:
    samples = np.arange(30, dtype=np.int8)
    pieces = np.split(samples, np.cumsum(sizes)[:-1])
    items = list(adder.stream(pieces, hop=3))
    assert [item.x.tolist() for item in items] == [
        samples[at : at + N].tolist() for at in range(0, 23, 3)
    ]


def test_a_wav_file_is_real_values(adder: Device, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.arange(0, 2000, 100).astype(np.int16), 8000)
    items = list(adder.stream(tmp_path / "a.wav", hop=4))
    assert [item.x[0] for item in items] == [0, 400, 800, 1200]
    tensor = adder.model().inputs[0]
    for item in items:
        real = tensor.quantise((item.x / 32768).astype(np.float32))
        np.testing.assert_array_equal(item.result, adder.infer(real.reshape(1, N)))


@pytest.mark.parametrize(("hop", "window"), [(0, None), (N + 1, None), (3, 2)])
def test_wrong_windows_are_refused(adder: Device, hop: int, window: int | None) -> None:
    with pytest.raises(InputError, match="hop must be 1 to the window"):
        adder.stream([np.zeros(9, np.int8)], hop=hop, window=window)


def test_what_does_not_fit_is_refused(adder: Device, tmp_path: Path) -> None:
    with pytest.raises(ShapeError):
        next(adder.stream([np.zeros(N, np.int8)], window=N - 1))
    with pytest.raises(DtypeError):
        next(adder.stream([np.zeros(N, np.int32)]))
    with pytest.raises(ImageError, match="no such file"):
        adder.stream(tmp_path / "missing")
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="pictures have none"):
        adder.stream(tmp_path, hop=1)
    with pytest.raises(ShapeError, match="to take a picture"):
        next(adder.stream(tmp_path))


def test_a_live_source_drops_the_oldest() -> None:
    all_there = threading.Event()

    def burst() -> Iterator[Window]:
        for i in range(10):
            yield Window(np.array([i]), [])
        all_there.set()

    live = Live(Windows(None, burst()), room=3)
    all_there.wait()
    seen = [captured for captured in live if captured is not None]
    assert [int(captured.window.x[0]) for captured in seen] == [7, 8, 9]
    assert seen[-1].dropped == 7


def test_a_live_source_that_waits_holds_no_result_back(adder: Device) -> None:
    go_on = threading.Event()

    def slow() -> Iterator[np.ndarray]:
        yield np.zeros((1, N), np.int8)
        assert go_on.wait(60), "the first result waited for the second window"
        yield np.zeros((1, N), np.int8)

    stream = adder.stream(slow(), live=True)
    assert next(stream).index == 0  # without this it would wait for the second
    go_on.set()
    assert [item.index for item in stream] == [1]


def test_a_failing_source_fails_the_stream(adder: Device) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield np.zeros((1, N), np.int8)
        raise OSError("unplugged")

    for live in (False, True):
        with pytest.raises(OSError, match="unplugged"):
            list(adder.stream(broken(), live=live))


def test_summary() -> None:
    latency = summarise([i / 1000 for i in range(1, 101)], 3)
    assert (latency.count, latency.p95_ms, latency.dropped) == (100, 95.0, 3)
    assert latency.mean_ms == pytest.approx(50.5)
    assert "mean 50.5 ms, p95 95.0 ms, 3 dropped" in str(latency).replace("latency ", "")
    assert math.isnan(summarise([], 0).p95_ms)
