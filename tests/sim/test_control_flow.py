"""Loops on the boards: their outputs, and what stops one that does not end."""

from __future__ import annotations

import numpy as np
import pytest

from host_sdk import Device
from host_sdk.errors import StepError, StepTimeoutError
from relocatable import compile_model
from relocatable.blob.host import run
from tests.make_tflite import make_tflite
from tests.numeric.test_control_flow import endless, inputs_of, recurrent

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_a_board_runs_a_loop_and_stops_an_endless_one(target: str) -> None:
    graph = recurrent()
    data, never_done = make_tflite(graph), make_tflite(endless())
    on_host, on_board = (compile_model(data, target=t) for t in ("host", target))
    inputs = [inputs_of(graph, seed)[0] for seed in range(3)]
    with Device(f"sim://{target}") as board:
        board.load_model(on_board, "loop")
        for x in inputs:
            assert np.array_equal(board.infer(x), run(on_host, x))
        board.load_model(compile_model(never_done, target=target, golden=False), "endless")
        with pytest.raises((StepError, StepTimeoutError)):
            board.infer(np.zeros((1, 4), np.float32))
        board.activate("loop")
        assert np.array_equal(board.infer(inputs[0]), run(on_host, inputs[0]))
