"""Verified upload of 100,000 random bytes into the store of a virtual Cortex-M4
board, the wire between paced to a baud rate (a byte takes ten bits), beside
the command `mpremote fs cp` of the same bytes into the same board's file
system over the same wire. "of the line" is payload against the line's bytes
per second, from the first request to the board's answer that it has read the
flash back and found the SHA-256 right; "overhead" counts all bytes the host
sent, per payload byte. Then how long a `ping` takes while an upload runs.

QEMU's UART takes one byte per turn of QEMU's main loop; at 921600 baud a busy computer, not the
wire, sets the pace: each clean row is the best of three (docs/LINK.md).
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host_sdk import Device
from host_sdk.errors import PortClosedError
from host_sdk.transports import Transport, open_transport
from host_sdk.transports.emulated_line import WireOptions, WireTransport
from host_sdk.transports.qemu import Qemu, find_board
from host_sdk.transports.stream import SocketTransport

BOARD = "cortex-m4"
PAYLOAD = random.Random(1).randbytes(100_000)
BAUDS = (115200, 460800, 921600)
ROUNDS = 3


class Counting:
    """Counts what the host sends."""

    def __init__(self, inner: Transport) -> None:
        self.name = inner.name
        self.baud = getattr(inner, "baud", 0)
        self.sent_bytes = 0
        self._inner = inner

    def read(self, timeout_s: float) -> bytes:
        return self._inner.read(timeout_s)

    def write(self, data: bytes) -> None:
        self.sent_bytes += len(data)
        self._inner.write(data)

    def close(self) -> None:
        self._inner.close()


def upload(url: str) -> tuple[float, float]:
    """Seconds, and bytes sent per payload byte."""
    transport = Counting(open_transport(url))
    with Device(transport) as board:
        board.ls()  # the session is open
        sent, start = transport.sent_bytes, time.perf_counter()
        board.put("payload.bin", PAYLOAD)
        took_s = time.perf_counter() - start
        per_byte = (transport.sent_bytes - sent) / len(PAYLOAD)
        if board.get("payload.bin") != PAYLOAD:
            raise SystemExit("the board holds other bytes")
        return took_s, per_byte


@contextmanager
def paced_port(baud: int) -> Iterator[str]:
    """Run a board at its prompt behind a paced wire, as a TCP port for tools."""
    here, there = socket.socketpair()
    with there:
        qemu = Qemu(find_board(BOARD), None, there)
    wire = WireTransport(SocketTransport(here, "board", qemu.close), WireOptions(baud=baud))
    seen = b""
    while b">>> " not in seen:  # what a tool sends before that is lost
        seen += wire.read(1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_pump, args=(server, wire), daemon=True).start()
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    wire.close()


def _pump(server: socket.socket, wire: WireTransport) -> None:
    connection, _ = server.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def back() -> None:
        try:
            while True:
                connection.sendall(wire.read(0.05))
        except (OSError, PortClosedError):
            pass

    threading.Thread(target=back, daemon=True).start()
    try:
        while data := connection.recv(256):
            wire.write(data)
    except (OSError, PortClosedError):
        pass


def mpremote(baud: int) -> float | None:
    """Time `mpremote fs cp`, the best of some; None if it is missing or fails."""
    times = []
    for _ in range(2):
        with contextlib.suppress(subprocess.SubprocessError):
            times.append(_mpremote(baud))
    return min((t for t in times if t is not None), default=None)


def _mpremote(baud: int) -> float | None:
    beside = Path(sys.executable).parent / "mpremote"
    tool = str(beside) if beside.exists() else shutil.which("mpremote")
    if tool is None:
        return None
    with paced_port(baud) as port, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "payload.bin"
        file.write_bytes(PAYLOAD)
        start = time.perf_counter()
        command = [tool, "connect", port, "fs", "cp", str(file), ":payload.bin"]
        subprocess.run(command, check=True, capture_output=True, env=os.environ, timeout=300)
        return time.perf_counter() - start


def ping_during_upload(baud: int) -> tuple[float, float, float]:
    """Time a ping in ms: on the idle line; median and longest in an upload."""
    with Device(f"sim://{BOARD}?baud={baud}") as board:
        idle = [_ping_ms(board) for _ in range(10)]
        worker = threading.Thread(target=board.put, args=("payload.bin", PAYLOAD))
        worker.start()
        time.sleep(1)
        busy = [_ping_ms(board) for _ in range(15)]
        worker.join()
    return statistics.median(idle), statistics.median(busy), max(busy)


def _ping_ms(board: Device) -> float:
    start = time.perf_counter()
    board._session.call("ping", None)
    return (time.perf_counter() - start) * 1e3


def table() -> str:
    """Write the Markdown tables."""
    lines = [
        "| baud | upload, KB/s | of the line | overhead | `mpremote fs cp`, KB/s | of the line |",
        "|--:|--:|--:|--:|--:|--:|",
    ]
    for baud in BAUDS:
        took_s, per_byte = min(upload(f"sim://{BOARD}?baud={baud}") for _ in range(ROUNDS))
        speed = len(PAYLOAD) / took_s
        cells = f"{speed / 1e3:.2f} | {speed * 10 / baud:.1%} | {per_byte - 1:.2%}"
        peer_s = mpremote(baud)
        peer = len(PAYLOAD) / peer_s if peer_s else 0.0
        lines.append(f"| {baud} | {cells} | {peer / 1e3:.2f} | {peer * 10 / baud:.1%} |")
    lines += ["", "| `ping`, ms | idle | median during an upload | longest |", "|--:|--:|--:|--:|"]
    for baud in BAUDS[:2]:
        idle, median, longest = ping_during_upload(baud)
        lines.append(f"| at {baud} baud | {idle:.1f} | {median:.0f} | {longest:.0f} |")
    return "\n".join(lines)
