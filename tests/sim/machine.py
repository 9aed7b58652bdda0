"""A virtual board as a process, and its one UART: text, and frames made by hand.

Independent of host_sdk: what it says of the firmware holds also if the SDK is at fault.
"""

from __future__ import annotations

import hashlib
import socket
import subprocess
import time
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgpack
from cobs import cobs

from device_fw.boards import Board, load_board, qemu_command
from device_fw.build import firmware_path
from tests.local_port import connect, free_port

PROMPT = b">>> "
WAIT_S = 30.0
PIECE_BYTES = 2048


class RefusedError(Exception):
    """The board answered with an error: (code, message, detail)."""


class Machine:
    """A board under QEMU; its flash is in a file that outlives it.

    Attributes:
        text: what came outside of frames and was not taken yet.
        notes: notifications that came, in order: (topic, params).
        arrived: ids of all replies that came, in order.
        port: TCP port of the UART, for tools of others while nothing is connected here.
        wait_s: how long any answer may take.
        piece_bytes: of an upload's request.
        again_s: after so long without its reply the last request is sent again: on a busy computer
            QEMU may pause within a frame, which the board gives up after a second.
    """

    def __init__(self, board: str | Board, flash: Path, firmware: Path | None = None) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            self._command(board, flash, firmware), stderr=subprocess.DEVNULL
        )
        self.text = b""
        self.notes: list[tuple[str, Any]] = []
        self.again_s = self.wait_s / 3
        self.arrived: list[int] = []
        self._replies: dict[int, tuple[Any, Any]] = {}
        self._sent: dict[int, bytes] = {}
        self._frame: bytearray | None = None
        self._id = 0
        self._has_session = False
        self._socket: socket.socket | None = None
        self.connect()

    # ---- The process -----------------------------------------------------------------------------

    wait_s = WAIT_S
    piece_bytes = PIECE_BYTES

    def _command(self, board: str | Board, flash: Path, firmware: Path | None) -> list[str]:
        # The board starts when the first connection is there: nothing of its boot is missed.
        # mux=on: bytes reach the board three times as quickly.
        server = f"host=127.0.0.1,port={self.port},server=on,wait=on,nodelay=on,mux=on"
        described = load_board(board) if isinstance(board, str) else board
        command = qemu_command(described, firmware or firmware_path(board), flash, "chardev:uart")
        return [*command, "-chardev", f"socket,id=uart,{server}"]

    def kill(self) -> None:
        """As pulling the plug."""
        self.disconnect()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    # ---- Bytes -----------------------------------------------------------------------------------

    def connect(self) -> None:
        """Open the UART; QEMU takes one connection at a time."""
        if self._socket is None:
            self._socket = connect(self.port, self.wait_s)
        self._socket.settimeout(0.05)

    def disconnect(self) -> None:
        """Leaves the UART to another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self._socket is not None
        self._socket.sendall(data)

    def pump(self) -> None:
        """Take in what has come, waiting a moment for it."""
        assert self._socket is not None
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return
        if not data:
            raise EOFError("the board is gone")
        for byte in data:
            self._take(byte)

    def _take(self, byte: int) -> None:
        if self._frame is None:
            if byte == 0:
                self._frame = bytearray()
            else:
                self.text += bytes([byte])
        elif byte != 0:
            self._frame.append(byte)
        elif self._frame:
            self._deliver(cobs.decode(bytes(self._frame)))
            self._frame = None

    def _deliver(self, data: bytes) -> None:
        body, check = data[:-4], int.from_bytes(data[-4:], "little")
        assert zlib.crc32(body) == check
        kind, *fields = msgpack.unpackb(body, strict_map_key=False)
        if kind == 1:
            self._replies[fields[0]] = (fields[1], fields[2])
            self.arrived.append(fields[0])
        else:
            self.notes.append((fields[0], fields[1]))
            self._has_session = self._has_session and fields[0] != "boot"

    # ---- Text ------------------------------------------------------------------------------------

    def until(self, end: bytes = PROMPT) -> str:
        """Text up to `end`, taken."""
        deadline = time.monotonic() + self.wait_s
        while end not in self.text:
            assert time.monotonic() < deadline, f"no {end!r} in {self.text!r}"
            self.pump()
        taken, _, self.text = self.text.partition(end)
        return taken.decode()

    def prompt(self, line: str) -> str:
        """Types a line at the prompt and returns what it prints."""
        self.write(line.encode() + b"\r")
        self.until(line.encode() + b"\r\n")
        return self.until().replace("\r\n", "\n")

    # ---- Frames ----------------------------------------------------------------------------------

    def request(self, method: str, *params: Any) -> int:
        """Send a request, in a session that is opened where there is none; its id."""
        if not self._has_session:
            self._has_session = True
            self.call("hello", 1)
        self._id += 1
        body = msgpack.packb([0, self._id, method, list(params)])
        data = body + zlib.crc32(body).to_bytes(4, "little")
        self._sent = {self._id: b"\0" + cobs.encode(data) + b"\0"}
        self.write(self._sent[self._id])
        return self._id

    def reply(self, number: int) -> Any:
        """Wait for the result of a request.

        Raises:
            RefusedError: the board answered with an error.
        """
        begin = time.monotonic()
        deadline, again = begin + self.wait_s, begin + self.again_s
        while number not in self._replies:
            assert time.monotonic() < deadline, f"no reply; text so far: {self.text!r}"
            if time.monotonic() > again and number in self._sent:
                self.write(self._sent[number])
                again += self.again_s
            self.pump()
        error, result = self._replies.pop(number)
        if error is not None:
            raise RefusedError(*error)
        return result

    def call(self, method: str, *params: Any) -> Any:
        """Send a request and returns its result."""
        return self.reply(self.request(method, *params))

    def boot(self, prompt: bool = True) -> dict[str, int]:
        """Wait for the next boot; what the board says of why it started.

        Args:
            prompt: wait for the prompt, too.
        """
        deadline = time.monotonic() + self.wait_s
        while not self.notes:
            assert time.monotonic() < deadline, f"no boot; text so far: {self.text!r}"
            self.pump()
        topic, params = self.notes.pop(0)
        assert topic == "boot"
        if prompt:
            self.until()
        report: dict[str, int] = params[0]
        return report

    def restart(self, safe: bool = False) -> None:
        """Restart and wait until the board says so; the prompt may never come."""
        self.text = b""
        self.call("reset", safe)
        while not self.notes:
            self.pump()
        self.notes.clear()

    def upload(self, name: str, kind: int, data: bytes) -> int:
        """Brings an object's bytes to the board; the session that `put_end` ends."""
        digest = hashlib.sha256(data).digest()
        begun = self.call("put_begin", name, kind, len(data), digest)
        for at in range(0, 0 if begun["have"] else len(data), self.piece_bytes):
            self.call("put_data", begun["session"], at, data[at : at + self.piece_bytes])
        session: int = begun["session"]
        return session

    def put(self, name: str, kind: int, data: bytes, activate: bool = False) -> Any:
        """Brings an object into the store."""
        return self.call("put_end", self.upload(name, kind, data), activate)
