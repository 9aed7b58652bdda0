from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from host_sdk import Device
from tests.unit.host_sdk.fake_board import FakeBoard

Connect = Callable[..., tuple[FakeBoard, Device]]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes a fake board and a device that speaks with it."""
    made: list[tuple[FakeBoard, Device]] = []

    def make(**options: Any) -> tuple[FakeBoard, Device]:
        board = FakeBoard(**options)
        device = Device(board.transport)
        made.append((board, device))
        return board, device

    yield make
    for board, device in made:
        device.close()
        board.close()
