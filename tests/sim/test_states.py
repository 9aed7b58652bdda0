"""Models that keep a state, on the real firmware."""

from __future__ import annotations

import numpy as np
import pytest

from host_sdk import Device
from tests.variables import streaming_model

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m55"])
def test_a_streaming_model_is_exact_on_a_board(cpu: str) -> None:
    samples = np.random.default_rng(4).integers(-128, 128, (8, 1, 3, 8), np.int8)
    with Device(f"sim://{cpu}") as board:
        board.load_model(streaming_model())  # its golden vector has three runs
        assert board.model().state_bytes > 0
        for sequence in (False, True):
            report = board.validate(samples, sequence=sequence)
            assert (report.reference, report.exact_samples) == ("litert", 8)
        trace = board.trace(samples[0])
    assert trace.first_difference is None, trace
    assert trace.compared + trace.streamed == len(trace.rows)
