"""Validation and traces on the real firmware."""

from __future__ import annotations

import numpy as np
import pytest

from host_sdk import Device, validate_on_host
from tests.conftest import shared_model
from tests.sim.conftest import example_model

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m55"])
def test_the_board_is_as_right_as_litert(cpu: str) -> None:
    x = np.random.default_rng(0).integers(0, 255, (5, 8, 8, 1), np.uint8)
    y = np.arange(5)
    with Device(f"sim://{cpu}") as board:
        board.load_model(example_model("digits"))
        report = board.validate(x, y)
        trace = board.trace(x[0] / 255.0)
    assert (report.reference, report.exact_samples) == ("litert", 5)
    host = validate_on_host(example_model("digits"), x, y)
    assert report.classification == host.classification
    assert all(row.run_us >= 0 and row.latency_us > 0 for row in report.rows)
    began = [row.began_us for row in report.rows if row.began_us is not None]
    assert len(began) == len(report.rows)
    assert began == sorted(set(began))
    assert sum(max(1, len(row.layers)) for row in report.layers.rows) == len(trace.rows)
    assert trace.reference == "litert"
    assert trace.compared + trace.streamed == len(trace.rows)
    assert trace.first_difference is None, trace


@pytest.mark.slow
def test_a_trace_of_tensors_larger_than_a_frame() -> None:
    with Device("sim://cortex-m55") as board:
        board.load_model(shared_model("mlperf_ic_resnet8_int8.tflite"))
        trace = board.trace()
    assert max(row.values.nbytes for row in trace.rows if row.values is not None) > 4096
    assert trace.compared > 4
    assert trace.first_difference is None, trace
