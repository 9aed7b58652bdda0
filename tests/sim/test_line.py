"""The real firmware over an emulated wire with faults."""

from __future__ import annotations

import os
import random
import signal
import threading

import numpy as np
import pytest

from host_sdk import Device, PortClosedError
from host_sdk.transports.emulated_line import WireOptions, WireTransport
from relocatable import compile_model, run
from tests.sim.conftest import PluggedBoard, example_model

pytestmark = pytest.mark.sim

DATA = random.Random(3).randbytes(12_000)


@pytest.mark.slow
@pytest.mark.parametrize("faults", ["ber=1e-5", "ber=1e-4", "drop=0.01", "dup=0.02"])
def test_a_transfer_completes_and_its_content_is_equal(faults: str) -> None:
    with Device(f"sim://cortex-m4?baud=460800&{faults}", timeout_s=30) as board:
        board.put("data.bin", DATA)
        assert board.get("data.bin") == DATA


@pytest.mark.slow
def test_a_thousand_calls_are_executed_exactly_once() -> None:
    with Device("sim://cortex-m4?ber=1e-5&drop=0.01&dup=0.01&seed=5", timeout_s=30) as board:
        board.exec("n = []")
        for i in range(1000):
            board.exec(f"n.append({i})")
        assert board.eval("len(n)") == 1000
        assert board.eval("n == list(range(1000))") is True
        assert board._session.link.counters.repeated > 10


@pytest.mark.slow
@pytest.mark.parametrize("faults", ["", "&drop=0.02&ber=1e-5"])
def test_many_packed_inputs_give_what_the_host_gives(faults: str) -> None:
    model = example_model("digits")
    host = compile_model(model, target="host")
    with Device(f"sim://cortex-m55?baud=115200{faults}", timeout_s=30) as board:
        board.load_model(model)
        tensor = board.model().inputs[0]
        y, x = np.mgrid[0 : tensor.shape[1], 0 : tensor.shape[2]]
        samples = []
        for i in range(20):
            disc = np.clip(255 - 6 * ((y - 5 - i % 9) ** 2 + (x - 12) ** 2), 0, 255)
            values = (disc[None, :, :, None] - 128).astype(np.int8)
            samples.append(values.view(tensor.dtype))
        for sample, result in zip(samples, board.infer_many(samples, raw=True), strict=True):
            np.testing.assert_array_equal(result, run(host, sample))


def test_a_killed_board_ends_a_listener_with_an_error(plugged: PluggedBoard) -> None:
    with Device(WireTransport(plugged.transport, WireOptions(baud=115200))) as board:
        stream = board.events()
        board.exec("import xipnet; xipnet.emit('t', 1)")
        assert next(stream).value == 1
        os.kill(plugged.qemu.pid, signal.SIGKILL)
        with pytest.raises(PortClosedError):
            next(stream)


def test_a_small_call_is_answered_while_a_large_transfer_goes_on() -> None:
    with Device("sim://cortex-m4?baud=115200") as board:
        done = threading.Event()

        def put() -> None:
            board.put("data.bin", DATA)
            done.set()

        worker = threading.Thread(target=put)
        worker.start()
        answered = 0
        while not done.is_set() and answered < 3:
            assert board.eval("1 + 1") == 2
            answered += 1
        assert not done.is_set()  # three answers came before the transfer was over
        worker.join()
        assert board.get("data.bin") == DATA
