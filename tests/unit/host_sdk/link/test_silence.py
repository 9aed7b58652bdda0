"""A board whose flash erases is silent for seconds, and goes on: that is no error.

A sector of 128 KB takes a STM32F4 up to 2 s; its receiver goes on, nothing is answered.
"""

from __future__ import annotations

import time

import pytest

from host_sdk.link.messages import Request
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.link.simulated_line import BOARD_WINDOW, Calls, Simulation

_DATA = bytes(range(256)) * 64


@pytest.mark.parametrize("baud", [115200, 460800, 921600, 0])
@pytest.mark.parametrize("stall_s", [0.5, 1.0, 2.0])
def test_a_silent_board_is_asked_again_but_not_given_up(baud: int, stall_s: float) -> None:
    calls: Calls = [("put_data", (1, i * 512, bytes(512))) for i in range(60)]
    line = Simulation(calls, [], [], [], 10 / baud if baud else 0.0, {10: stall_s, 40: stall_s})
    line.run()
    assert line.now >= 2 * stall_s
    assert line.fallbacks == 0
    assert all(p.error is None for p in line.done)
    assert sum(p.first_sent != p.last_sent for p in line.done) <= BOARD_WINDOW
    assert {r.method for r in line.lost} <= {"ping", "out_read"}  # what the link asks by itself
    assert {line.board.executed[0, p.request.id] for p in line.done} == {1}


def test_an_upload_goes_on_after_two_seconds_of_silence(connect: Connect) -> None:
    board, device = connect()
    fallbacks: list[None] = []
    device._session.link.set_fallback(lambda: fallbacks.append(None))
    pass_on = board.take
    erased: list[Request] = []

    def take(request: Request) -> None:
        if request.method == "put_data" and len(erased) < 1:
            erased.append(request)
            time.sleep(2.0)
        pass_on(request)

    board.take = take
    device.put("d", _DATA)
    assert device.get("d") == _DATA
    assert erased
    assert fallbacks == []
    sent = [r.id for r in board.requests if r.method == "put_data"]
    assert len(sent) == len(set(sent))
