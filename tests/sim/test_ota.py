"""Swapping models on the real firmware: few bytes, no lost call, and a way back."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks._retrain import retrain
from benchmarks.upload_bytes import CountingTransport
from host_sdk import Device, HealthCheckError, LinkError, swap_models
from host_sdk.transports import open_transport
from relocatable import compile_model
from tests.sim.conftest import PluggedBoard, example_model

pytestmark = pytest.mark.sim


def digits(seed: int) -> bytes:
    """Compile the digits, retrained a little; 0: as they are."""
    model = example_model("digits").read_bytes()
    new = retrain(model, 0.05, "everywhere", seed) if seed else model
    blob: bytes = compile_model(new, target="cortex-m55", name="digits")
    return blob


@pytest.fixture(scope="module")
def blobs() -> list[bytes]:
    return [digits(seed) for seed in range(3)]


@pytest.fixture
def board() -> Iterator[Device]:
    with Device("sim://cortex-m55") as device:
        yield device


def test_what_is_known_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIPNET_CACHE", str(tmp_path))
    model = example_model("coins").read_bytes()
    first = compile_model(model, target="cortex-m55")
    retrained = compile_model(retrain(model, 0.05, "everywhere"), target="cortex-m55")
    new_layers = compile_model(retrain(model, 0.05, "last layers"), target="cortex-m55")
    wire = CountingTransport(open_transport("sim://cortex-m55"))
    with Device(wire) as board:

        def both_ways() -> int:
            return wire.to_board + wire.from_board

        def count(blob: bytes, counter: Callable[[], int] = both_ways) -> int:
            before = counter()
            board.load_model(blob, "coins")
            return counter() - before

        assert count(first) > 0.5 * len(first)
        assert count(first) < 1024
        assert count(retrained) <= 0.1 * len(retrained)
        assert count(first) < 1024  # the earlier version is there still
        monkeypatch.setenv("XIPNET_CACHE", "")  # this computer knows the old bytes no more
        assert count(new_layers, lambda: wire.to_board) <= 0.1 * len(new_layers)


@pytest.mark.parametrize("cpu", [pytest.param("cortex-m4", marks=pytest.mark.slow), "cortex-m55"])
def test_an_upload_goes_on_where_the_plug_was_pulled(tmp_path: Path, cpu: str) -> None:
    flash = tmp_path / "flash"
    blob = compile_model(example_model("coins"), target=cpu)
    left = []
    for part in (0.3, 0.6, 0.9):
        plugged = PluggedBoard(flash, cpu)
        starts: list[int] = []

        def pull(
            done: int,
            total: int,
            at: float = part,
            pid: int = plugged.qemu.pid,
            starts: list[int] = starts,
        ) -> None:
            starts.append(done)
            if done >= at * total:
                with contextlib.suppress(ProcessLookupError):  # answers that came before
                    os.kill(pid, signal.SIGKILL)

        with Device(plugged.transport) as board, pytest.raises(LinkError):
            board.load_model(blob, "coins", progress=pull)
        left.append(starts[0])
    with Device(f"sim://{cpu}?flash={flash}") as board:
        assert board.models() == []
        assert board.load_model(blob, "coins").sent_bytes < 0.25 * len(blob)
        assert board.models()[0].size_bytes == len(blob)
    assert left[0] == 0
    assert left[1] > 0.2 * len(blob)
    assert left[2] > 0.5 * len(blob)


def test_swaps_under_a_running_loop_lose_no_call(board: Device, blobs: list[bytes]) -> None:
    board.load_model(blobs[0], "digits")
    x = np.random.default_rng(1).integers(0, 256, (1, 8, 8, 1), np.uint8)
    expected = []
    for blob in blobs:
        board.load_model(blob, "digits")
        expected.append(board.infer(x, raw=True))
    done, answered = threading.Event(), threading.Semaphore(0)
    failures: list[BaseException] = []
    seen: set[int] = set()

    def loop() -> None:
        try:
            while not done.is_set():
                y = board.infer(x, raw=True)
                (which,) = [i for i, e in enumerate(expected) if np.array_equal(e, y)]
                seen.add(which)
                answered.release()
        except BaseException as error:
            failures.append(error)
            answered.release()

    running = threading.Thread(target=loop)
    running.start()
    pauses = []
    for i in range(9):
        answered.acquire()
        loaded = board.load_model(blobs[i % 3], "digits")
        pauses.append(loaded.pause_us)
        while answered.acquire(blocking=False):
            pass
        answered.acquire()
        answered.acquire()  # this one began after the swap
    done.set()
    running.join()
    assert failures == []
    assert seen == {0, 1, 2}
    assert all(pause is not None and pause > 0 for pause in pauses)


def test_a_check_that_fails_brings_the_model_before_back(board: Device, blobs: list[bytes]) -> None:
    board.load_model(blobs[0], "digits")
    x = np.random.default_rng(1).integers(0, 256, (1, 8, 8, 1), np.uint8)
    before = board.infer(x, raw=True)

    def check(tried: Device) -> None:
        trial = tried.trial()
        assert trial is not None
        assert trial.version == 2
        tried.exec("raise ValueError('not good enough')")

    with pytest.raises(HealthCheckError, match="not good enough") as caught:
        board.load_model(blobs[1], "digits", confirm=check)
    assert caught.value.version == 2
    np.testing.assert_array_equal(board.infer(x, raw=True), before)
    assert board.trial() is None
    returned = board.history()[-1]
    assert (returned.event, returned.version) == ("returned", 2)
    assert returned.why == "withdrawn by the host"


def test_a_check_that_passes_keeps_the_model(board: Device, blobs: list[bytes]) -> None:
    board.load_model(blobs[0], "digits")
    loaded = board.load_model(blobs[1], "digits", confirm=lambda b: b.eval("1 + 1") == 2)
    assert not loaded.pending
    board.reset()
    assert board.model().version == 2
    assert board.rollback() == 1
    assert board.model().version == 1


def test_a_model_that_nobody_confirms_goes(board: Device, blobs: list[bytes]) -> None:
    board.load_model(blobs[0], "digits")
    board.load_model(blobs[1], "digits", confirm="manual")
    board.reset()
    assert board.model().version == 1
    assert board.history()[-1].why == "the board restarted before it was confirmed"
    board.load_model(blobs[2], "digits", confirm="manual", confirm_s=1)
    while board.trial() is not None:
        time.sleep(0.05)
    assert board.model().version == 1
    assert board.history()[-1].why == "not confirmed within 1 s"


def test_a_trial_lasts_over_as_many_starts_as_it_may(board: Device, blobs: list[bytes]) -> None:
    board.load_model(blobs[0], "digits")
    board.load_model(blobs[1], "digits", confirm="manual", boots=1)
    board.reset()
    assert board.model().version == 2
    board.confirm()
    board.reset()
    assert board.model().version == 2


def test_many_boards_are_swapped_at_once() -> None:
    ports = ["sim://cortex-m4", "sim://cortex-m7", "sim://cortex-m55"]
    swaps = swap_models(ports, example_model("digits"))
    assert swaps.ok, repr(swaps)
    assert [s.board for s in swaps] == ["mps2_an386", "mps2_an500", "mps3_an547"]
    assert "3 of 3 boards took the model" in repr(swaps)
