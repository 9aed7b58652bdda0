"""A line with a tap: frames are seen, lost, corrupted, answered for the board."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from host_sdk.errors import PortClosedError
from host_sdk.link.framing import Body, Decoder, Text, encode_frame
from host_sdk.link.messages import Failure, Notification, Reply, Request, unpack
from host_sdk.transports import Transport


@dataclass
class Noise:
    """The rates of what goes wrong on the wire, 0..1; repeatable."""

    drop: float = 0.0
    corrupt: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    random: random.Random = field(default_factory=lambda: random.Random(1))
    _late: list[bytes] = field(default_factory=list)

    def corrupted(self, frame: bytes) -> list[bytes]:
        """Return what arrives in place of a frame, and of one before that was held up."""
        late, self._late = self._late, []
        now = self._corrupted(frame)
        if self.random.random() < self.reorder:
            self._late, now = now, []
        return now + late

    def forget(self) -> None:
        """Drop what was held up: no frame arrives in a later session than it was sent in."""
        self._late.clear()

    def _corrupted(self, frame: bytes) -> list[bytes]:
        r = self.random
        if r.random() < self.drop:
            return []
        if r.random() < self.corrupt:
            at = r.randrange(len(frame))
            frame = frame[:at] + bytes([frame[at] ^ (1 << r.randrange(8))]) + frame[at + 1 :]
        return [frame, frame] if r.random() < self.duplicate else [frame]


class Wiretap:
    """A tap between the host's line and a board, which passes frames on.

    Args:
        line: the end of the line that the host's transport is the other end of.
        board: the board.
        noise: corrupts frames both ways.

    Attributes:
        requests: all that came from the host.
        silent: nothing of the host's gets through.
        is_down: the same, while the board restarts.
        take: what is done with a request; by default `pass_on`.
        give: what is done with a reply; by default `pass_back`.
        alter: by method, what becomes of a result on its way back.
        refuse: by method, the failure that the host gets while the board gets nothing.
    """

    def __init__(self, line: Transport, board: Transport, noise: Noise | None = None) -> None:
        self.requests: list[Request] = []
        self.silent = self.is_down = False
        self.take: Callable[[Request], None] = self.pass_on
        self.give: Callable[[Reply], None] = self.pass_back
        self.alter: dict[str, Callable[[Any], Any]] = {}
        self.refuse: dict[str, Failure] = {}
        self._noise = noise or Noise()
        self._noise_back = replace(self._noise)
        self._line, self._board = line, board
        self._lost: list[tuple[str, tuple[Any, ...]]] = []
        self._sending = threading.Lock()
        for pump in (self._there, self._back):
            threading.Thread(target=pump, daemon=True).start()

    @property
    def data_bytes(self) -> int:
        """What came with put_data and put_patch."""
        sent = [r.params[-1] for r in self.requests if r.method in ("put_data", "put_patch")]
        return sum(len(data) for data in sent if isinstance(data, bytes))

    def lose(self, topic: str, *params: Any) -> None:
        """Lose the next notification of this topic whose last parameters are these."""
        self._lost.append((topic, params))

    def pass_on(self, request: Request) -> None:
        """Send a request on to the board."""
        self._board.write(encode_frame(request.pack()))

    def pass_back(self, reply: Reply) -> None:
        """Send a reply on to the host."""
        for frame in self._noise_back.corrupted(encode_frame(reply.pack())):
            self.send(frame)

    def send(self, data: bytes) -> None:
        """Send bytes to the host, as they are."""
        with self._sending:
            self._line.write(data)

    def close(self) -> None:
        """Unplug the board."""
        self._line.close()
        self._board.close()

    def _there(self) -> None:
        decoder = Decoder()
        try:
            while True:
                for part in decoder.feed(self._line.read(1.0), time.monotonic()):
                    match part:
                        case Text(text):
                            self._board.write(text)
                        case Body(body):
                            if b"\xa5hello" in body:
                                self._noise.forget()
                            for frame in self._noise.corrupted(encode_frame(body)):
                                self._hear(frame)
        except PortClosedError:
            return

    def _hear(self, frame: bytes) -> None:
        for part in Decoder().feed(frame, 0.0):
            if isinstance(part, Body) and isinstance(request := unpack(part.data), Request):
                self.requests.append(request)
                if self.is_down:
                    continue
                if request.method in self.refuse:
                    self.give(Reply(request.id, self.refuse[request.method]))
                elif not self.silent:
                    self.take(request)

    def _back(self) -> None:
        decoder = Decoder()
        try:
            while True:
                for part in decoder.feed(self._board.read(1.0), time.monotonic()):
                    match part:
                        case Text(text):
                            self.send(text)
                        case Body(body):
                            self._answer(body)
        except PortClosedError:
            return

    def _answer(self, body: bytes) -> None:
        match unpack(body):
            case Reply() as reply:
                method = self._method(reply.id)
                if reply.failure is None and method in self.alter:
                    reply = replace(reply, result=self.alter[method](reply.result))
                self.give(reply)
            case Notification() as told if not self._is_lost(told):
                self.send(encode_frame(body))

    def _is_lost(self, told: Notification) -> bool:
        for lost in self._lost:
            topic, params = lost
            if told.topic == topic and told.params[len(told.params) - len(params) :] == params:
                self._lost.remove(lost)
                return True
        return False

    def _method(self, number: int) -> str:
        known = (r.method for r in reversed(self.requests) if r.id == number)
        return next(known, "")
