"""A step that returns 0 goes on, every other number stops the run."""

from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from host_sdk import Device
from host_sdk.errors import StepError
from host_sdk.transports.core import open_core
from relocatable.blob.host import HostModel
from relocatable.errors import RunError
from tests.unit.host_sdk.blobs import make_blob

_RANDOM = random.Random(1)
VALUES = [
    *(0, 1, -1, 7, -7, 2**31 - 1, -(2**31), -63, -66, -67, 0x80, 0xFF00, 1 << 16),
    *(_RANDOM.randint(-(2**31), 2**31 - 1) for _ in range(50)),
]
RETURNS_ITS_INPUT = "return *(const int32_t *)(const void *)c->arena;"
BLOB = make_blob(bodies=("", RETURNS_ITS_INPUT), golden=None)


def sample(value: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return np.frombuffer(struct.pack("<ii", value, 0), np.int8).reshape(1, 8)


def test_the_board_stops_at_every_number_but_0() -> None:
    with Device(open_core()) as board:
        board.load_model(BLOB, "returns")
        for value in VALUES:
            if value == 0:
                board.infer(sample(value))
                continue
            with pytest.raises(StepError) as caught:
                board.infer(sample(value))
            assert caught.value.message.endswith(f": step 1 returned {value}"), value


def test_this_computer_stops_at_every_number_but_0() -> None:
    with HostModel(BLOB) as model:
        for value in VALUES:
            model.write_inputs([sample(value)])
            if value == 0:
                model.run()
                continue
            with pytest.raises(RunError, match=f"^step 1 must return 0; returned {value}$"):
                model.run()
