from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from host_sdk import (
    BootReport,
    Device,
    DeviceFaultError,
    DeviceResetError,
    InputError,
    MemoryTransport,
    NoResponseError,
    PortClosedError,
    ProtocolVersionError,
)
from host_sdk.link.line_estimator import Patience
from host_sdk.link.link import Link
from host_sdk.link.messages import Reply, Request
from host_sdk.link.request import PendingRequest
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.scripted_board import ScriptedBoard
from tests.unit.host_sdk.wiretap import Noise


def test_requests_are_answered_whatever_the_wire_does(connect: Connect) -> None:
    noise = Noise(drop=0.15, corrupt=0.1, duplicate=0.1)
    board, device = connect(noise=noise)
    for i in range(20):
        assert device._session.call("ping", i, timeout_s=60) == i
    assert device._session.link.counters.repeated > 0
    executed = Counter(id_ for id_, method in board.executed if method == "ping")
    assert max(executed.values()) == 1


def test_an_upload_survives_a_bad_wire(connect: Connect) -> None:
    board, device = connect(noise=Noise(drop=0.1, corrupt=0.05, duplicate=0.05))
    data = bytes(range(256)) * 120
    done: list[tuple[int, int]] = []
    got = device.put("d", data, progress=lambda a, b: done.append((a, b)))
    assert device.get("d") == data
    assert got.sent_bytes == len(data)
    assert done[0] == (0, len(data))
    assert done[-1] == (len(data), len(data))
    ends = [id_ for id_, method in board.executed if method == "put_end"]
    assert len(ends) == 1


def test_a_late_reply_is_waited_for_and_runs_once(connect: Connect) -> None:
    board, device = connect()

    def slow(source: str) -> None:
        time.sleep(1.3)
        board.print("done\n")

    board.on_exec = slow
    started = threading.Thread(target=lambda: outputs.append(device.exec("slow")))
    outputs: list[str] = []
    started.start()
    for i in range(40):
        assert device._session.call("ping", i) == i
    started.join()
    assert outputs == ["done\n"]
    assert [m for _, m in board.executed].count("exec") == 1


def test_a_silent_board_is_an_error_that_says_so(connect: Connect) -> None:
    board, device = connect()
    board.silent = True
    with pytest.raises(NoResponseError, match=r"no reply to ping from memory:// within 0\.3 s"):
        device._session.call("ping", 1, timeout_s=0.3)
    board.silent = False
    assert device._session.call("ping", 2) == 2


@pytest.mark.parametrize("is_there", [True, False])
def test_a_board_at_work_on_a_model_is_not_taken_for_lost(
    connect: Connect, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, device = connect()
    take = board.take
    fallbacks: list[None] = []
    signs: list[int] = []

    def take_pings_first(request: Request) -> None:
        signs.extend([request.id] if request.method == "ping" else [])
        if len(signs) > 20:
            take(request)
        elif request.method == "ping" and is_there:
            time.sleep(0.02)
            take(request)

    board.take = take_pings_first
    device._session.link.estimator.patience = Patience(fallback_s=0.4, retry_s=0.05)
    device._session.link.set_fallback(lambda: fallbacks.append(None))
    device._session.call("events", True)
    assert fallbacks == [None][: not is_there]


def test_a_port_without_a_board_is_told_with_what_it_sent() -> None:
    here, there = MemoryTransport.pair()
    there.write(b"U-Boot 2024.01\r\n")
    with pytest.raises(NoResponseError, match=r"right port.*U-Boot 2024.01") as caught:
        Device(here, timeout_s=0.4)
    assert caught.value.method == "hello"


@pytest.mark.parametrize("others", ["nothing", "python"])
def test_a_reply_that_is_lost_again_and_again_is_not_forgotten(
    connect: Connect, others: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, device = connect()
    reply = board.give
    lost: list[int] = []

    def lose(answer: Reply) -> None:
        if answer.result == "unlucky" and len(lost) < 18:
            lost.append(answer.id)
        else:
            reply(answer)

    device._session.link.estimator.patience = Patience(least_s=0.01)
    board.give = lose
    assert device.ping(0) == 0
    waiting = threading.Thread(target=device.ping, args=("unlucky",))
    waiting.start()
    while waiting.is_alive() and others == "python":
        device.eval("1")
    waiting.join()
    assert len(lost) == 18
    assert Counter(id_ for id_, _ in board.executed)[lost[0]] == 1


def test_a_restart_spares_what_was_asked_because_of_it(connect: Connect) -> None:
    board, device = connect()
    told = device._session._on_boot
    asked: list[PendingRequest] = []

    def ask_again(boot: BootReport) -> None:
        told(boot)
        asked.append(device._session.link.submit("hello", 7))

    device._session.link._on_boot = ask_again
    board.boot()
    deadline = time.monotonic() + 10
    while not asked and time.monotonic() < deadline:
        time.sleep(0.01)
    assert device._session.wait(asked[0])["board"] == "host"  # type: ignore[call-overload, index]


def test_a_restart_fails_what_was_under_way_and_opens_a_new_session(connect: Connect) -> None:
    board, device = connect()
    board.silent = True
    timer = threading.Timer(0.1, board.boot, (), {"cause": 1})
    timer.start()
    with pytest.raises(DeviceResetError, match="ping: the board restarted: reset"):
        device._session.call("ping", 1)
    timer.join()
    board.silent = False
    assert device._session.call("ping", 2) == 2
    assert [m for _, m in board.executed].count("hello") in (2, 3)  # one more if boot came twice


def test_a_restart_that_the_line_hid_is_noticed_and_nothing_is_executed_twice(
    connect: Connect,
) -> None:
    board, device = connect()
    board.on_exec = lambda source: board.boot(lose=True, cause=1)  # its reply is lost, too
    with pytest.raises(DeviceResetError, match="exec: the board restarted: reset"):
        device.exec("n += 1")
    assert [m for _, m in board.executed].count("exec") == 1
    assert device.ping(2) == 2
    board.boot(lose=True)
    with pytest.raises(DeviceResetError, match="ping: the board restarted"):
        device.ping(3)
    assert device.ping(4) == 4
    assert [m for _, m in board.executed].count("ping") == 2


def test_a_fault_names_step_and_address(connect: Connect) -> None:
    board, device = connect()
    board.silent = True
    fault = {"cause": 2, "fault_step": 3, "pc": 0x61000010, "address": 0x20, "cfsr": 0x82}
    timer = threading.Timer(0.1, board.boot, (), fault)
    timer.start()
    message = "run: the board restarted: fault in step 3 at pc 0x61000010, address 0x00000020"
    with pytest.raises(DeviceFaultError, match=message) as caught:
        device._session.call("run", 0, None, False)
    timer.join()
    assert caught.value.boot.fault_step == 3


def test_an_unplugged_board_fails_all_who_wait(connect: Connect) -> None:
    board, device = connect()
    board.silent = True
    errors: list[BaseException] = []

    def call() -> None:
        try:
            device._session.call("ping", 1)
        except PortClosedError as error:
            errors.append(error)

    threads = [threading.Thread(target=call) for _ in range(6)]
    for t in threads:
        t.start()
    time.sleep(0.1)
    board.close()
    for t in threads:
        t.join(5)
    assert len(errors) == 6
    assert len({id(e) for e in errors}) == 6


def test_a_closed_device_says_so(connect: Connect) -> None:
    _, device = connect()
    device.close()
    device.close()
    with pytest.raises(PortClosedError, match="was closed"):
        device.models()


def test_another_major_version_is_refused() -> None:
    board = ScriptedBoard()
    board.alter["hello"] = lambda hello: {**hello, "protocol": [2, 0]}
    with pytest.raises(ProtocolVersionError, match=r"protocol 2\.0, this SDK 1\.0: update the SDK"):
        Device(board.transport)
    board.close()


def test_a_newer_minor_version_is_fine(connect: Connect) -> None:
    board, device = connect()
    board.alter["hello"] = lambda hello: {**hello, "protocol": [1, 7]}
    assert device.info().protocol == (1, 7)


def test_a_request_longer_than_a_frame_is_refused_here(connect: Connect) -> None:
    board, device = connect()
    board.alter["hello"] = lambda hello: {**hello, "frame": 1024}
    device.info()
    with pytest.raises(InputError, match=r"eval: request must fit the board's frame of 1024 bytes"):
        device.eval("1" * 2000)


def test_many_threads_share_a_device(connect: Connect) -> None:
    _, device = connect(noise=Noise(drop=0.05))
    wrong: list[int] = []

    def work(n: int) -> None:
        wrong.extend(i for i in range(n, n + 20) if device._session.call("ping", i) != i)

    threads = [threading.Thread(target=work, args=(n * 100,)) for n in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


def test_a_zero_in_a_print_does_not_stop_the_link(connect: Connect) -> None:
    board, device = connect()
    board.print("bad \0 text")
    assert device._session.call("ping", 1) == 1


def test_whatever_a_driver_raises_ends_the_requests() -> None:
    class Broken:
        name = "broken"
        is_broken = threading.Event()

        def read(self, timeout_s: float) -> bytes:
            self.is_broken.wait()
            raise AttributeError("_overlapped_read")

        def write(self, data: bytes) -> None:
            self.is_broken.set()

        def close(self) -> None:
            self.is_broken.set()

    link = Link(Broken(), lambda text: None, lambda boot: None)
    with pytest.raises(PortClosedError, match="broken: AttributeError: _overlapped_read"):
        link.request("ping", 1, timeout_s=None)
    link.close()
    assert not link.is_open
