"""An idle line: who depends on it hears of a restart and of a board that is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from host_sdk import Device, NoResponseError, PortClosedError
from host_sdk.link.framing import encode_frame
from host_sdk.link.messages import Notification
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.scripted_board import ScriptedBoard

Impatient = Callable[[], tuple[ScriptedBoard, Device]]


@pytest.fixture
def impatient(connect: Connect) -> Impatient:
    """Make a board and a device that asks it soon."""

    def make() -> tuple[ScriptedBoard, Device]:
        board, device = connect()
        device._alive.idle_s, device._alive.answer_s = 0.05, 0.5
        return board, device

    return make


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def pings(board: ScriptedBoard) -> int:
    return [method for _, method in board.executed].count("ping")


def watchers() -> int:
    return sum(t.name == "xipnet-alive" for t in threading.enumerate())


def test_without_a_listener_nothing_is_sent(impatient: Impatient) -> None:
    board, device = impatient()
    assert watchers() == 0
    with device.events():
        until(lambda: pings(board) > 3)
    until(lambda: watchers() == 0)
    off = device.on("t", print)
    seen = pings(board)
    until(lambda: pings(board) > seen)
    off()
    until(lambda: watchers() == 0)
    with device.events():
        seen = pings(board)
        until(lambda: pings(board) > seen)


def test_a_restart_that_the_line_hid_is_told_to_the_stream(impatient: Impatient) -> None:
    board, device = impatient()
    stream = device.events()
    board.emit("t", 1)
    board.boot(lose=True)
    until(lambda: stream.restarts == 1)
    board.emit("t", 2)
    assert [next(stream).value for _ in range(2)] == [1, 2]
    assert device.lost_events == 0


def test_a_silent_board_ends_the_streams_with_an_error(
    impatient: Impatient, capsys: pytest.CaptureFixture[str]
) -> None:
    board, device = impatient()
    called: list[object] = []
    device.on("t", called.append)
    stream = device.events()
    board.emit("t", 1)
    board.silent = True
    assert next(stream).value == 1
    for _ in range(2):
        with pytest.raises(NoResponseError, match="no reply to ping"):
            next(stream)
    until(lambda: "xipnet: no more events: no reply to ping" in capsys.readouterr().err)
    board.silent = False
    device.on("u", called.append)
    board.emit("t", 2)
    board.emit("u", 3)
    until(lambda: called == [1, 2, 3])


def test_a_call_without_a_reply_does_not_end_the_watch(impatient: Impatient) -> None:
    board, device = impatient()
    board.silent = True
    with pytest.raises(NoResponseError):
        device._session.call("events", True, timeout_s=0.8)
    board.silent = False
    with device.events():
        seen = pings(board)
        until(lambda: pings(board) > seen + 2)


def test_a_port_that_goes_away_ends_the_streams_with_an_error(impatient: Impatient) -> None:
    board, device = impatient()
    stream = device.events()
    threading.Timer(0.1, board.close).start()
    with pytest.raises(PortClosedError):
        next(stream)
    with pytest.raises(PortClosedError):
        device.events()


def test_what_the_line_doubles_is_heard_once(impatient: Impatient) -> None:
    board, device = impatient()
    stream = device.events()
    for number in (0, 0, 1, 3, 3, 4):
        board.send(encode_frame(Notification("event", (number, "t", number)).pack()))
    assert [next(stream).number for _ in range(4)] == [0, 1, 3, 4]
    assert device.lost_events == 1
