from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from host_sdk import Device
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.scripted_board import ScriptedBoard

Connect = Callable[..., tuple[ScriptedBoard, Device]]
ADDED = 8  # items of the input of `adder`'s model


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make a board, the core in a process, and a device that speaks with it."""
    made: list[tuple[ScriptedBoard, Device]] = []

    def make(**options: Any) -> tuple[ScriptedBoard, Device]:
        board = ScriptedBoard(**options)
        device = Device(board.transport)
        made.append((board, device))
        return board, device

    yield make
    for board, device in made:
        device.close()
        board.close()


@pytest.fixture
def adder(connect: Connect) -> Device:
    """Load a model that adds 1 to each of its int8 items."""
    _, device = connect()
    device.load_model(make_blob(n=ADDED))
    return device


def tell_steady_times(board: ScriptedBoard) -> None:
    """Make each run take 1.5 ms, one every 2 ms, by a clock that is about to wrap."""
    clock = itertools.count(2**32 - 1000, 2000)

    def steady(run: dict[str, Any]) -> dict[str, Any]:
        steps = None if run["steps"] is None else [1000, 500]
        return {**run, "at": next(clock) % 2**32, "us": 1500, "steps": steps}

    board.alter["run"] = steady
