"""A second host's side of the wire, written from docs/SPEC-wire.md alone."""

from __future__ import annotations

import hashlib
import os
import select
import subprocess
import time
import zlib
from pathlib import Path
from typing import Any

import msgpack
from cobs import cobs

TIMEOUT_S = 20.0


class RefusedError(Exception):
    """The board answered with an error."""

    def __init__(self, code: int, message: str, detail: str | None) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.detail = code, message, detail


def frame(message: object) -> bytes:
    """Return the bytes that carry a message."""
    body = msgpack.packb(message)
    crc: bytes = zlib.crc32(body).to_bytes(4, "little")
    encoded: bytes = cobs.encode(body + crc)
    return b"\0" + encoded + b"\0"


class Peer:
    """A board_host process and what came from it."""

    def __init__(self, program: Path, flash: Path, arena_bytes: int = 65536) -> None:
        if not flash.exists():
            flash.write_bytes(b"\xff" * (1 << 18))
        self.process = subprocess.Popen(
            [program, flash, str(arena_bytes)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        self._buffer, self._in_frame = b"", False
        self.text = b""
        self.notifications: list[Any] = []
        self.replies: list[tuple[int, Any, Any]] = []
        self.arrived: list[int] = []  # ids of all replies, in their order
        self.last_id = 0

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End the board as a power cut would."""
        self.process.kill()
        self.process.communicate()

    def write(self, data: bytes) -> None:
        """Send bytes to the board, as they are."""
        os.write(self._in, data)

    def receive(self, timeout_s: float) -> bool:
        """Take what comes within a time; false when nothing did."""
        if not select.select([self._out], [], [], timeout_s)[0]:
            return False
        data = os.read(self._out, 65536)
        if not data:
            code = self.process.wait(TIMEOUT_S)
            raise EOFError(f"the board ended with {code}")
        self._feed(data)
        return True

    def _feed(self, data: bytes) -> None:
        for byte in data:
            if byte and self._in_frame:
                self._buffer += bytes([byte])
            elif byte:
                self.text += bytes([byte])
            elif not self._in_frame:
                self._in_frame = True
            elif self._buffer:
                self._deliver(self._buffer)
                self._buffer, self._in_frame = b"", False

    def _deliver(self, encoded: bytes) -> None:
        body = cobs.decode(encoded)
        assert zlib.crc32(body[:-4]) == int.from_bytes(body[-4:], "little")
        message = msgpack.unpackb(body[:-4])
        if message[0] == 2:
            self.notifications.append(message[1:])
        else:
            self.replies.append(tuple(message[1:]))
            self.arrived.append(message[1])

    def send(self, method: str, *params: object, id: int | None = None) -> int:
        """Send a request and returns its id."""
        if id is None:
            self.last_id += 1
            id = self.last_id
        self.write(frame([0, id, method, list(params)]))
        return id

    def reply(self, id: int) -> Any:
        """Wait for the reply to a request."""
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            for i, (reply_id, error, result) in enumerate(self.replies):
                if reply_id == id:
                    del self.replies[i]
                    if error is not None:
                        raise RefusedError(*error)
                    return result
            self.receive(end - time.monotonic())
        raise TimeoutError(f"no reply to {id}")

    def call(self, method: str, *params: object, id: int | None = None) -> Any:
        """Send a request; return its reply."""
        return self.reply(self.send(method, *params, id=id))

    def hello(self, nonce: int = 1) -> Any:
        """Open a session."""
        return self.call("hello", nonce)

    def begin(self, name: str, data: bytes, type: int = 1) -> Any:
        """Start an upload."""
        return self.call("put_begin", name, type, len(data), hashlib.sha256(data).digest())

    def pieces(self, session: int, data: bytes, size: int = 1024) -> None:
        """Send the bytes, the last piece first, eight requests at a time."""
        offsets = list(range(0, len(data), size))[::-1]
        for at in range(0, len(offsets), 8):
            ids = [
                self.send("put_data", session, offset, data[offset : offset + size])
                for offset in offsets[at : at + 8]
            ]
            for id in ids:
                assert self.reply(id) is None

    def put(self, name: str, data: bytes, type: int = 1, activate: bool = False) -> Any:
        """Upload an object."""
        begun = self.begin(name, data, type)
        if not begun["have"]:
            self.pieces(begun["session"], data)
        return self.call("put_end", begun["session"], activate)
