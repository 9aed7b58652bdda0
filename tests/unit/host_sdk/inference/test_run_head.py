"""A head of a model that takes no picture: `run_head` takes its arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from host_sdk import Device, NoHeadError, ShapeError
from relocatable import compile_model
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite
from tests.unit.host_sdk.scripted_board import ScriptedBoard

X = np.array([[0.5, -1, 2, 0]], np.float32)


def model() -> bytes:
    b = GraphBuilder()
    x = b.input(1, 4, dtype="float32")
    return make_tflite(b.graph(b.op("RELU", (x,), b.tensor(1, 4, dtype="float32"))))


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    board = ScriptedBoard()
    with Device(board.transport) as opened:
        head = {"head": "anomaly", "anomaly": {"threshold": 0.2}}
        opened.load_model(compile_model(model(), target="host", head=head), "loss")
        opened.load_model(compile_model(model(), target="host"), "bare")
        opened.activate("loss")
        yield opened
    board.close()


def test_arrays_by_position_and_by_name(device: Device) -> None:
    found: list[Any] = device.run_head(X)
    [item] = found
    assert (item.score, item.is_anomaly) == (0.25, 1)
    name = device.model().inputs[0].name
    assert device.run_head({name: X[0]}) == [item]
    assert device.run_head(abs(X)) == [(0.0, 0)]


def test_arrays_that_do_not_fit_are_refused(device: Device) -> None:
    with pytest.raises(ShapeError, match="must get 1 inputs"):
        device.run_head(X, X)
    with pytest.raises(ShapeError):
        device.run_head(np.zeros((1, 5), np.float32))


def test_a_model_without_a_head_has_none_to_run(device: Device) -> None:
    device.activate("bare")
    try:
        with pytest.raises(NoHeadError):
            device.run_head(X)
    finally:
        device.activate("loss")
