"""Hosts on sockets, served by xipnet.serve(...) in MicroPython's unix port."""

from __future__ import annotations

import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from device_fw.build.fetch_micropython import micropython_source
from host_sdk import Device
from host_sdk.errors import BusyError, LinkError, UploadSessionError
from host_sdk.link.framing import Body, Decoder, encode_frame
from host_sdk.link.messages import Reply, Request, unpack
from host_sdk.link.values import Value
from host_sdk.transports.stream import SocketTransport
from relocatable import compile_model
from relocatable.blob.host import run as run_on_host
from tests.local_port import connect, free_port
from tests.sim.conftest import example_model

pytestmark = [pytest.mark.sim, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
BOARDS = ROOT / "device_fw" / "micropython" / "usermod" / "boards"
WAIT_S = 60.0
LINES = 3  # streams at once
BIG = bytes(range(256)) * 1500

LISTEN = """
import socket, xipnet
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(socket.getaddrinfo("127.0.0.1", {port})[0][-1])
listener.listen(4)
"""
# Hosts come and go.
ACCEPTING = LISTEN + "xipnet.serve(listener)\n"
# Two streams that are there: a socket, and what a script defines.
GIVEN = (
    LISTEN
    + """
class Wrapped:
    def __init__(self, connection):
        connection.setblocking(False)
        self.connection = connection

    def read(self, n):
        data = self.connection.read(n)
        if data == b"":
            raise OSError("ended")
        return data

    def write(self, data):
        return self.connection.write(data)

a = listener.accept()[0]
b = listener.accept()[0]
xipnet.serve(a, Wrapped(b))
print("both have ended")
for wrong in ([a, b, a, b], [7]):
    try:
        xipnet.serve(*wrong)
    except Exception as error:
        print(type(error).__name__, error)
"""
)


@pytest.fixture(scope="module")
def micropython(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for tool in ("gcc", "make"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    build = tmp_path_factory.mktemp("unix")
    left_out = ("BTREE", "FFI", "SSL", "THREAD", "TERMIOS")
    command = [
        *("make", "-C", str(micropython_source() / "ports" / "unix"), "-j2"),
        *("VARIANT=standard", "PROG=board", f"BUILD={build}", "FROZEN_MANIFEST="),
        *(f"MICROPY_PY_{name}=0" for name in left_out),
        *("MICROPY_USE_READLINE=0", "MICROPY_VFS_FAT=0"),
        "CFLAGS_EXTRA=-DMICROPY_PY_OS_DUPTERM=1",
        f"USER_C_MODULES={ROOT / 'device_fw'}",
        f"XIPNET_PORT_C={BOARDS / 'unix.c'}",
        f"XIPNET_CFLAGS=-DXN_USER_ARENA_BYTES=1048576 -include {BOARDS / 'unix.h'}",
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-4000:]
    return build / "board"


class Board:
    """A process that serves sockets."""

    def __init__(self, micropython: Path, script: str) -> None:
        self.port = free_port()
        command = [str(micropython), "-c", script.format(port=self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.hosts = ExitStack()

    def connect(self) -> socket.socket:
        return self.hosts.enter_context(connect(self.port, WAIT_S))

    def host(self) -> Device:
        wire = SocketTransport(self.connect(), f"host {self.port}", lambda: None)
        return self.hosts.enter_context(Device(wire))

    def close(self) -> None:
        self.hosts.close()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def serving(micropython: Path) -> Iterator[Callable[[str], Board]]:
    with ExitStack() as boards:

        def serve(script: str) -> Board:
            board = Board(micropython, script)
            boards.callback(board.close)
            return board

        yield serve


class Raw:
    """A host that sends what it likes."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire
        self.wire.settimeout(WAIT_S)
        self._decoder = Decoder()

    def ask(self, number: int, method: str, *params: Value) -> Value:
        self.wire.sendall(encode_frame(Request(number, method, params).pack()))
        return self.answer(number)

    def answer(self, number: int) -> Value:
        while True:
            for part in self._decoder.feed(self.wire.recv(4096), time.monotonic()):
                match part:
                    case Body(body):
                        reply = unpack(body)
                        if isinstance(reply, Reply):
                            assert reply.id == number
                            assert reply.failure is None
                            return reply.result


@pytest.fixture
def hosts(serving: Callable[[str], Board]) -> tuple[Board, Device, Device]:
    board = serving(ACCEPTING)
    return board, board.host(), board.host()


class InBackground:
    """Calls a function until it is told to stop, and counts."""

    def __init__(self, call: Callable[[int], None]) -> None:
        self.calls = 0
        self.error: BaseException | None = None
        self._call = call
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._call(self.calls)
                self.calls += 1
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self._stop.set()
        self._thread.join()
        assert self.error is None


def test_one_uploads_and_the_other_pings(hosts: tuple[Board, Device, Device]) -> None:
    _, one, other = hosts

    def ping(number: int) -> None:
        assert other.ping(number) == number

    pings = InBackground(ping)
    one.put("big.bin", BIG)
    model = example_model("digits")
    assert one.load_model(model).golden
    pings.end()
    assert pings.calls > 10
    assert other.get("big.bin") == BIG
    x = np.random.default_rng(2).integers(0, 256, (1, 8, 8, 1), np.uint8)
    np.testing.assert_array_equal(
        other.infer(x, raw=True), run_on_host(compile_model(model, target="host"), x)
    )


def test_two_infer_at_once(hosts: tuple[Board, Device, Device]) -> None:
    _, one, other = hosts
    model = example_model("digits")
    one.load_model(model)
    blob = compile_model(model, target="host")
    x = np.random.default_rng(3).integers(0, 256, (20, 1, 8, 8, 1), np.uint8)
    expected = [run_on_host(blob, each) for each in x]

    def infer(number: int) -> None:
        at = number % 20
        np.testing.assert_array_equal(other.infer(x[at], raw=True), expected[at])

    background = InBackground(infer)
    for at in range(200):
        np.testing.assert_array_equal(one.infer(x[-at % 20], raw=True), expected[-at % 20])
    background.end()
    assert background.calls > 10


def test_two_upload_at_once(hosts: tuple[Board, Device, Device]) -> None:
    board, one, other = hosts
    raw = Raw(board.connect())
    raw.ask(1, "hello", 7)
    begun = raw.ask(2, "put_begin", "half.bin", 3, 1000, bytes(32))
    assert isinstance(begun, dict)
    with pytest.raises(BusyError, match="another host's upload"):
        one.put("big.bin", BIG)
    raw.wire.close()  # what it left half done does not stay in the way
    assert [one.ping(i) for i in range(2)] == [0, 1]  # it was seen
    one.put("big.bin", BIG)
    assert other.get("big.bin") == BIG
    with pytest.raises(UploadSessionError):
        other._session.call("put_data", begun["session"], 0, bytes(256))


def test_what_is_printed_goes_to_the_host_that_asked(hosts: tuple[Board, Device, Device]) -> None:
    _, one, other = hosts
    assert one.exec("print('for one')") == "for one\n"
    assert other.exec("print('for the other')") == "for the other\n"
    assert one.stdout.read() == other.stdout.read() == ""
    one.exec("import xipnet\n@xipnet.rpc\ndef twice(n):\n    print(n)\n    return 2 * n\n")
    assert other.rpc.twice(21) == 42
    assert (one.stdout.read(), other.stdout.read()) == ("", "21\n")


def test_events_go_to_all_who_listen(hosts: tuple[Board, Device, Device]) -> None:
    _, one, other = hosts
    at_one, at_other = one.events("t"), other.events("t")
    assert one.eval("xipnet.emit('t', 1)")
    assert other.eval("xipnet.emit('t', 2)")
    assert [next(at_one).value, next(at_one).value] == [1, 2]
    assert [next(at_other).value, next(at_other).value] == [1, 2]


def test_equal_ids_of_two_hosts_are_two_requests(hosts: tuple[Board, Device, Device]) -> None:
    board, _, third = hosts
    third.close()
    time.sleep(0.1)
    one, other = Raw(board.connect()), None
    one.ask(1, "hello", 5)
    assert one.ask(2, "ping", "one") == "one"
    hosts[1].close()
    other = Raw(board.connect())
    other.ask(1, "hello", 5)
    assert other.ask(2, "ping", "other") == "other"
    assert one.ask(2, "ping", "again") == "one"  # a repetition: it gets the same reply
    long = "x" * 500
    assert one.ask(3, "eval", f"{long!r}") == long
    assert other.ask(3, "eval", "'y' * 500") == "y" * 500


def test_a_fourth_waits_until_one_has_ended(hosts: tuple[Board, Device, Device]) -> None:
    board, one, other = hosts
    third, fourth = Raw(board.connect()), board.connect()
    third.ask(1, "hello", 5)
    fourth.sendall(encode_frame(Request(1, "hello", (5,)).pack()))
    assert [one.ping(i) for i in range(3)] == [0, 1, 2]
    fourth.setblocking(False)
    with pytest.raises(BlockingIOError):
        fourth.recv(1)
    other.close()
    waiting = Raw(fourth)
    waiting.answer(1)
    assert waiting.ask(2, "ping", "served") == "served"


def test_an_interrupt_ends_it(hosts: tuple[Board, Device, Device]) -> None:
    board, one, _ = hosts
    one.ping()
    board.process.send_signal(signal.SIGINT)
    assert board.process.wait(WAIT_S) != 0
    with pytest.raises(LinkError):
        one.ping()


def test_the_dead_do_not_end_the_others(hosts: tuple[Board, Device, Device]) -> None:
    board, one, other = hosts
    other.close()
    one.put("big.bin", BIG)
    for garbage in (b"", b"\0\0\x05abc", bytes(range(256)) * 40, b"\0" * 1000):
        wire = board.connect()
        wire.sendall(garbage)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.close()  # by a reset
        assert one.ping(garbage[:10]) == garbage[:10]
    # One asks for much and reads nothing.
    deaf = board.connect()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    deaf.sendall(encode_frame(Request(1, "hello", (9,)).pack()))
    deaf.setblocking(False)
    ask = encode_frame(Request(2, "get", ("big.bin", 0, 3800)).pack())
    sent = 0
    while sent < 100_000:
        try:
            sent += deaf.send(ask)
        except OSError:  # it is full, or was closed
            break
    assert one.get("big.bin") == BIG


def test_streams_that_are_there(serving: Callable[[str], Board]) -> None:
    board = serving(GIVEN)
    first, second = board.connect(), board.connect()
    one = Device(SocketTransport(first, "socket", lambda: None))
    other = Device(SocketTransport(second, "wrapped", lambda: None))
    assert one.exec("print(1)") == "1\n"
    other.put("big.bin", BIG)
    assert one.get("big.bin") == BIG
    one.close()
    assert other.eval("6 * 7") == 42
    other.close()
    assert board.process.wait(WAIT_S) == 0
    assert board.process.stdout is not None
    printed = board.process.stdout.read()
    assert "both have ended" in printed
    assert "ValueError at most 3 streams are served" in printed
    assert "AttributeError" in printed


def test_serving_twice_is_refused(hosts: tuple[Board, Device, Device]) -> None:
    _, one, _ = hosts
    code = "try:\n    xipnet.serve(listener)\nexcept RuntimeError as error:\n    print(error)\n"
    assert one.exec(code) == "streams are served already\n"
    assert one.ping(1) == 1
