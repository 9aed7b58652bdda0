"""A board whose USB port goes away, and comes back under another name."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import threading
import time
import tty
from collections.abc import Iterator
from types import SimpleNamespace
from typing import NoReturn

import pytest

from host_sdk import Device
from host_sdk.errors import DeviceResetError, NoResponseError, PortClosedError
from host_sdk.link.framing import Body, Decoder
from host_sdk.link.messages import Notification, unpack
from host_sdk.transports import serial as serial_transport
from host_sdk.transports.core import CoreProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")

AWAY_S = 0.3
WAIT_S = 60.0
BIG = bytes(range(256)) * 2000
OTHER = SimpleNamespace(device="/dev/null", vid=0x2E8A, pid=5, serial_number="e661", location="")


class UsbBoard:
    """The core behind a USB port of its own.

    Attributes:
        ports: what the operating system lists.
        unplugged: how often the port went away.
        carried: bytes that came from the host.
        comes_back: whether the port does.
    """

    def __init__(self) -> None:
        self.ports: list[SimpleNamespace] = [OTHER]
        self.unplugged = 0
        self.carried = 0
        self.comes_back = True
        self._unplug = threading.Event()
        self._end = threading.Event()
        self._line, there = socket.socketpair()
        with there:
            self._core = CoreProcess(there)
        self._ends: tuple[int, int] | None = None
        self._in_between: list[int] = []
        self._plug()
        self._cable = threading.Thread(target=self._carry)
        self._cable.start()

    @property
    def port(self) -> str:
        return str(self.ports[-1].device)

    def unplug(self) -> None:
        self._unplug.set()

    def close(self) -> None:
        self._end.set()
        self._cable.join()
        self._pull()
        for end in self._in_between:
            os.close(end)
        self._core.close()
        self._line.close()

    def _plug(self) -> None:
        self._ends = os.openpty()
        tty.setraw(self._ends[1])
        name = os.ttyname(self._ends[1])
        more = {"serial_number": "e660", "location": "1-1:1.0"}
        self.ports.append(SimpleNamespace(device=name, vid=0x2E8A, pid=5, **more))

    def _pull(self) -> None:
        if self._ends is not None:
            self.ports.pop()
            for end in self._ends:
                os.close(end)
            self._ends = None
            self._in_between += os.openpty()  # it takes the old name

    def _carry(self) -> None:
        decoder, resets = Decoder(), 0
        while not self._end.is_set():
            if self._ends is None:
                if self.comes_back and not self._end.wait(AWAY_S):
                    self._plug()
                continue
            ready = select.select([self._ends[0], self._line.fileno()], [], [], 0.02)[0]
            if self._line.fileno() in ready:
                data = self._line.recv(4096)
                told = max(map(resets_told, decoder.feed(data, 0.0)), default=0)
                if told > resets:
                    resets = told
                    self._unplug.set()
                else:
                    os.write(self._ends[0], data)
            if self._ends[0] in ready:
                data = os.read(self._ends[0], 4096)
                self.carried += len(data)
                self._line.sendall(data)
            if self._unplug.is_set():
                self._unplug.clear()
                self._pull()
                self.unplugged += 1


def resets_told(part: object) -> int:
    """Return the resets so far, if the board tells of its start; else 0."""
    match unpack(part.data) if isinstance(part, Body) else None:
        case Notification("boot", ({"resets": int(resets)}, *_)):
            return resets
    return 0


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Iterator[UsbBoard]:
    made = UsbBoard()
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: list(made.ports))
    with contextlib.closing(made):
        yield made


def ping_for_ever(device: Device, timeout_s: float = 10.0) -> NoReturn:
    while True:
        device._session.call("ping", None, timeout_s=timeout_s)


def reset_and_ping(device: Device) -> None:
    # The port may take the reply to `reset` away with it, or that to `ping`.
    session = device._session
    session.wait(session.submit("reset"))
    device.ping(1)


def test_reset_waits_for_the_port(board: UsbBoard) -> None:
    with Device(board.port) as device:
        device.put("kept.bin", b"abc")
        device.reset()
        assert board.unplugged == 1
        assert device.info().boot.cause == "reset"
        assert device.get("kept.bin") == b"abc"
        device.reset()
        assert device.ping(5) == 5
        assert device._transport.name == board.port
    assert board.unplugged == 2


def test_what_was_under_way_at_a_restart_fails_as_such(board: UsbBoard) -> None:
    with Device(board.port) as device:
        with pytest.raises(DeviceResetError):
            reset_and_ping(device)
        assert device.ping(2) == 2


def test_a_loose_contact_costs_time_alone(board: UsbBoard) -> None:
    with Device(board.port) as device:

        def unplug() -> None:
            while board.carried < len(BIG) // 2:
                time.sleep(0.005)
            board.unplug()

        thread = threading.Thread(target=unplug)
        thread.start()
        device.put("big.bin", BIG)
        thread.join()
        assert device.get("big.bin") == BIG
    assert board.unplugged == 1


def test_a_listener_hears_of_the_restart(board: UsbBoard) -> None:
    with Device(board.port) as device:
        stream = device.events()
        with contextlib.suppress(DeviceResetError):
            reset_and_ping(device)
        deadline = time.monotonic() + WAIT_S
        while stream.restarts == 0:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_one_that_does_not_come_back_is_gone(
    board: UsbBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_transport, "REOPEN_S", 0.5)
    board.comes_back = False
    with Device(board.port) as device:
        board.unplug()
        with pytest.raises(PortClosedError, match=r"did not come back within 0\.5 s"):
            ping_for_ever(device)
        assert not device.is_open


def test_a_close_ends_the_wait(board: UsbBoard) -> None:
    board.comes_back = False
    device = Device(board.port)
    board.unplug()
    with pytest.raises(NoResponseError):
        ping_for_ever(device, timeout_s=0.3)
    device.close()
    with pytest.raises(PortClosedError, match="was closed"):
        device.ping()
