"""A serial port behind ser2net, and a board on its other side."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from host_sdk import Device, PortBusyError, PortClosedError, PortNotFoundError
from host_sdk.errors import LinkError
from host_sdk.transports import open_transport
from host_sdk.transports.base import Transport
from tests.local_port import free_port
from tests.unit.host_sdk.scripted_board import ScriptedBoard

tty = pytest.importorskip("tty", reason="needs pseudo-terminals")
SER2NET = shutil.which("ser2net", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
pytestmark = [
    pytest.mark.skipif(SER2NET is None, reason="needs ser2net (apt install ser2net)"),
    pytest.mark.filterwarnings("ignore:set(Daemon|Name)"),  # pyserial's
]


@dataclass
class Server:
    """ser2net with one port.

    Attributes:
        url: of the port.
        process: the program.
        number: of the TCP port.
    """

    url: str
    process: subprocess.Popen[bytes]
    number: int


def start(folder: Path, device: str) -> Server:
    number = free_port()
    config = folder / "ser2net.yaml"
    config.write_text(
        "connection: &one\n"
        f"  accepter: telnet(rfc2217),tcp,127.0.0.1,{number}\n"
        f"  connector: serialdev,{device},115200n81,local\n"
    )
    process = subprocess.Popen(
        [str(SER2NET), "-n", "-u", "-c", str(config)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not is_listening(number):
        time.sleep(0.01)
    return Server(f"rfc2217://127.0.0.1:{number}", process, number)


def is_listening(number: int) -> bool:
    """Ask the kernel for a listener; a connection would be a user of the port."""
    wanted = f"0100007F:{number:04X} 00000000:0000 0A"
    return wanted in Path("/proc/net/tcp").read_text()


def carry(board: Transport, leader: int) -> None:
    """Move bytes between a board and a terminal until either is gone."""

    def back() -> None:
        try:
            while True:
                os.write(leader, board.read(0.05))
        except (PortClosedError, OSError):
            pass

    threading.Thread(target=back, daemon=True).start()
    try:
        while data := os.read(leader, 4096):
            board.write(data)
    except (PortClosedError, OSError):
        pass


@pytest.fixture
def board() -> Iterator[ScriptedBoard]:
    made = ScriptedBoard()
    yield made
    made.close()


@pytest.fixture
def server(board: ScriptedBoard, tmp_path: Path) -> Iterator[Server]:
    leader, follower = os.openpty()
    tty.setraw(follower)
    carrier = threading.Thread(target=carry, args=(board.transport, leader), daemon=True)
    carrier.start()
    made = start(tmp_path, os.ttyname(follower))
    yield made
    made.process.kill()
    made.process.wait()
    board.transport.close()
    os.close(follower)  # the carrier's read ends with the last user of the terminal
    carrier.join()
    os.close(leader)


def test_a_board_behind_a_server_takes_an_upload(board: ScriptedBoard, server: Server) -> None:
    data = bytes(range(256)) * 20
    for _ in range(2):  # closed, it can be opened again
        with Device(server.url, timeout_s=20) as device:
            assert device.info().board == "host"
            device.put("data", data)
            assert device.get("data") == data
            assert device.ping(b"\xff\xff\0\r\n\x11\x13") == b"\xff\xff\0\r\n\x11\x13"


def test_a_second_user_is_refused(server: Server) -> None:
    with Device(server.url, timeout_s=20) as device:
        with pytest.raises(PortBusyError, match="in use by another Device"):
            open_transport(server.url)
        with pytest.raises(LinkError, match=r"in use by another program|cannot be opened"):
            open_transport(f"rfc2217://localhost:{server.number}")  # as another user would
        assert device.ping(1) == 1


def test_a_server_that_goes_away_ends_the_calls(server: Server) -> None:
    with Device(server.url, timeout_s=20) as device:
        assert device.ping(1) == 1
        server.process.kill()
        with pytest.raises(PortClosedError):
            device.ping(2)


def test_no_server_is_no_port() -> None:
    for _ in range(2):  # the name is free again
        with pytest.raises(PortNotFoundError, match="cannot be opened"):
            open_transport(f"rfc2217://127.0.0.1:{free_port()}")


def test_a_server_of_something_else_is_no_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        name = f"rfc2217://127.0.0.1:{listening.getsockname()[1]}?timeout=0.2"
        with pytest.raises(PortNotFoundError, match="does not seem to support"):
            open_transport(name)


def test_a_malformed_name_is_no_port() -> None:
    with pytest.raises(PortNotFoundError):
        open_transport("rfc2217://nowhere")
