from __future__ import annotations

import gc
import inspect
import time
from collections.abc import Callable
from typing import Any

import pytest

from host_sdk import InputError, ProtocolError
from host_sdk.errors import MethodError
from host_sdk.scripting.rpc import read_signature
from host_sdk.scripting.task import task_source
from tests.unit.host_sdk.conftest import Connect


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# ---- rpc -----------------------------------------------------------------------------------------


def test_functions_look_like_the_boards(connect: Connect) -> None:
    board, device = connect()
    params = [["a", 1], ["b", 1, "0x10"], ["args", 2], ["c", 3, "<object>"], ["kwargs", 4]]
    board.functions = {
        "add": (lambda a, b=16: a + b, params, "Adds.\n\n    Twice."),
        "old": (lambda: 1, None, ""),
        "pair": (lambda: 2, [], ""),
    }
    assert dir(device.rpc) == ["add", "old", "pair"]
    assert device.rpc.add(1) == 17
    assert device.rpc.add(1, b=2) == 3
    assert str(inspect.signature(device.rpc.add)) == "(a, b=0x10, *args, c=<object>, **kwargs)"
    assert inspect.getdoc(device.rpc.add) == "Adds.\n\nTwice."
    assert str(inspect.signature(device.rpc.old)) == "(*args, **kwargs)"
    assert repr(device.rpc).splitlines()[2] == "pair()"
    assert "add(a" in device.rpc._repr_html_()


def test_an_unknown_function_is_named(connect: Connect) -> None:
    board, device = connect()
    board.functions = {"blink": (lambda: None, [], "")}
    with pytest.raises(AttributeError, match="did you mean 'blink'"):
        _ = device.rpc.blnk
    with pytest.raises(MethodError, match="registered as nothing"):
        device.rpc.call("nothing")
    board.functions["late"] = (lambda: 5, [], "")
    assert device.rpc.late() == 5


@pytest.mark.parametrize("params", [[["a"]], [["a", 9]], [["a", 2], ["b", 1]], [[1, 1]], [7]])
def test_a_wrong_signature_is_a_protocol_error(params: list[Any]) -> None:
    with pytest.raises(ProtocolError, match="signature"):
        read_signature(params)


# ---- task ----------------------------------------------------------------------------------------


def scale(x: int, *, by: float = 2.0) -> float:
    """Scales."""
    return x * by


def test_a_task_is_sent_again_after_a_restart(connect: Connect) -> None:
    board, device = connect()
    sources: list[str] = []

    def define(source: str) -> None:
        sources.append(source)
        board.functions["scale"] = (scale, [], "")

    board.on_exec = define
    task = device.task(scale)
    assert task(4, by=3) == 12
    assert task.__doc__ == "Scales."
    board.functions.clear()
    board.boot()
    until(lambda: device._session._stale)
    assert task(4) == 8
    assert len(sources) == 2


def test_the_source_of_a_task_stands_alone() -> None:
    assert task_source(scale).splitlines() == [
        "import xipnet",
        "@xipnet.rpc",
        "def scale(x, *, by=2.0):",
        '    """Scales."""',
        "    return x * by",
    ]


def test_what_cannot_be_a_task_is_refused() -> None:
    around = 3

    def uses() -> int:
        return around

    made = lambda: 1  # noqa: E731
    namespace: dict[str, Any] = {}
    exec("def typed(): pass", namespace)
    cases: list[tuple[Callable[..., object], str]] = [
        (uses, "uses around"),
        (made, "by def"),
        (len, "must be a function"),
    ]
    for wrong, why in cases:
        with pytest.raises(InputError, match=why):
            task_source(wrong)
    with pytest.raises(InputError, match="not in a file"):
        task_source(namespace["typed"])


# ---- events --------------------------------------------------------------------------------------


def test_events_come_in_order_and_by_topic(connect: Connect) -> None:
    board, device = connect()
    called: list[Any] = []
    every, some = device.events(), device.events("b")
    off = device.on("a", called.append)
    for i in range(10):
        board.emit("ab"[i % 2], i)
    assert [next(every).value for _ in range(10)] == list(range(10))
    assert [(e.topic, e.number) for e in (next(some), next(some))] == [("b", 1), ("b", 3)]
    until(lambda: called == [0, 2, 4, 6, 8])
    off()
    board.emit("a", "unheard")
    board.emit("b", "heard")
    assert [next(every).value for _ in range(2)] == ["unheard", "heard"]
    assert called == [0, 2, 4, 6, 8]
    assert device.lost_events == 0


def test_lost_events_are_counted(connect: Connect) -> None:
    board, device = connect()
    stream = device.events()
    for i in range(6):
        board.emit("t", i, lose=i in (0, 3, 4))
    assert [next(stream).value for _ in range(3)] == [1, 2, 5]
    assert device.lost_events == 3


def test_a_listener_that_fails_does_not_stop_the_others(
    connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    board, device = connect()
    called: list[Any] = []
    device.on("t", lambda value: 1 / int(value))  # type: ignore[arg-type]
    device.on("t", called.append)
    board.emit("t", 0)
    board.emit("t", 1)
    until(lambda: called == [0, 1])
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_events_go_on_after_a_restart(connect: Connect) -> None:
    board, device = connect()
    stream = device.events()
    board.emit("t", 1)
    board.boot()
    until(lambda: board.hears_events)
    board.emit("t", 2)
    assert [next(stream).value for _ in range(2)] == [1, 2]
    assert device.lost_events == 0


def test_a_loop_that_is_left_collects_no_more(connect: Connect) -> None:
    board, device = connect()
    stream = device.events()
    board.emit("t", 1)
    for event in stream:
        assert event.value == 1
        break
    assert len(device._events._streams) == 1
    del stream
    gc.collect()
    assert len(device._events._streams) == 0


def test_a_stream_ends(connect: Connect) -> None:
    board, device = connect()
    assert list(device.events(timeout_s=0.01)) == []
    with device.events() as closed:
        board.emit("t", 1)
        assert next(closed).value == 1
    assert list(closed) == []
    stream = device.events()
    device.close()
    assert list(stream) == []
    assert not board.hears_events


def test_an_interrupted_call_interrupts_the_board(connect: Connect) -> None:
    board, device = connect()

    board.functions = {"busy": (lambda: None, [], "")}
    link = device._session.link
    wait, link.wait = link.wait, _raise_once(link.wait)  # type: ignore[method-assign,assignment]
    with pytest.raises(KeyboardInterrupt):
        device.rpc.call("busy")
    link.wait = wait  # type: ignore[method-assign]
    assert "interrupt" in [method for _, method in board.executed]


def _raise_once(wait: Callable[[Any], Any]) -> Callable[[Any], Any]:
    raised: list[bool] = []

    def once(pending: Any) -> Any:
        if not raised:
            raised.append(True)
            raise KeyboardInterrupt
        return wait(pending)

    return once
