"""A board and its line in simulated time, for a `Window`."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from dataclasses import dataclass, field

from host_sdk.link.board_info import BootReport
from host_sdk.link.framing import Body, Decoder, encode_frame
from host_sdk.link.line_estimator import LineEstimator
from host_sdk.link.messages import Notification, Reply, Request, unpack
from host_sdk.link.request import LATE_METHODS, PendingRequest
from host_sdk.link.values import Value
from host_sdk.link.window import Window

BOOT: dict[str, Value] = {
    "cause": 1,
    "resets": 1,
    "fault_step": -1,
    "pc": 0,
    "address": 0xFFFFFFFF,
    "cfsr": 0,
    "hfsr": 0,
}
KEPT_REPLIES = 24  # 16 + 2 * window
BOARD_WINDOW = 8
LATE_S = 1.0  # that a Python service takes
FAULTS = ("pass", "drop", "corrupt", "double", "hold")
Calls = list[tuple[str, tuple[Value, ...]]]
TIMEOUT_S = 1e6  # the line lets something through, sooner or later


@dataclass
class Board:
    """A board as docs/SPEC-wire.md, section 2, describes it.

    Attributes:
        executed: how often each request was executed, by start of the board and id.
    """

    executed: Counter[tuple[int, int]] = field(default_factory=Counter)
    boots: int = 0
    has_session: bool = False
    replies: dict[int, Reply] = field(default_factory=dict)
    at_work: set[int] = field(default_factory=set)

    def restart(self) -> None:
        """Forget everything."""
        self.boots += 1
        self.has_session = False
        self.replies.clear()
        self.at_work.clear()

    def take(self, request: Request) -> Notification | Reply | None:
        """Return the answer; None: it is at work."""
        if not self.has_session and request.method != "hello":
            return Notification("boot", (BOOT,))
        if request.id in self.at_work:
            return None
        if request.id in self.replies:
            return self.replies[request.id]
        self.executed[self.boots, request.id] += 1
        if request.method == "hello":
            self.has_session = True
            self.replies.clear()
        if request.method in LATE_METHODS:
            self.at_work.add(request.id)
        reply = Reply(request.id, None, [request.method, *request.params][:2])
        self.replies[request.id] = reply
        while len(self.replies) > KEPT_REPLIES:
            del self.replies[next(iter(self.replies))]
        return None if request.id in self.at_work else reply


class Line:
    """One direction: frames take time, and faults come in a given order, then no more."""

    def __init__(self, faults: list[str], byte_s: float) -> None:
        self._faults = iter(faults)
        self._byte_s = byte_s
        self._free_s = 0.0
        self._held: list[bytes] = []

    def carry(self, frame: bytes, now: float) -> list[tuple[float, bytes]]:
        """Return what arrives, and when."""
        held, self._held = self._held, []
        match next(self._faults, "pass"):
            case "drop":
                frames = list[bytes]()
            case "corrupt":
                frames = [frame[:4] + bytes([frame[4] ^ 0x10]) + frame[5:]]
            case "double":
                frames = [frame, frame]
            case "hold":
                frames, self._held = [], [frame]
            case _:
                frames = [frame]
        arrivals = []
        for f in frames + held:
            self._free_s = max(self._free_s, now) + len(f) * self._byte_s
            arrivals.append((self._free_s, f))
        return arrivals


@dataclass(order=True)
class Event:
    """Something that happens on its own."""

    at_s: float
    number: int
    kind: str = field(compare=False)  # "out", "in", "late", "restart", "go on"
    data: bytes = field(compare=False, default=b"")
    reply: Reply | None = field(compare=False, default=None)
    boots: int = field(compare=False, default=0)


class Simulation:
    """A host that submits calls in order, as room allows, until all are done.

    Args:
        calls: method and parameters.
        out, back: the faults of each direction, frame by frame.
        restarts: when the board restarts, seconds, and whether the line tells of it.
        byte_s: seconds that a byte takes.
        stalls: for which of the calls, counted from 0, the board answers nothing for so many
            seconds; it keeps `BOARD_WINDOW` frames for then.

    Attributes:
        window: under test.
        board: the other side.
        done: the calls, as they were submitted.
        now: the simulated time.
        lost: requests for which a board that answers nothing had no room.
        fallbacks: how often the line would have gone back to its first speed.
    """

    def __init__(
        self,
        calls: Calls,
        out: list[str],
        back: list[str],
        restarts: list[tuple[float, bool]],
        byte_s: float = 0.0,
        stalls: dict[int, float] | None = None,
    ) -> None:
        self.now = 0.0
        self.lost: list[Request] = []
        self.fallbacks = 0
        self._stalls = dict(stalls or {})
        self._stalled_s = 0.0  # until then
        self._waiting: list[Event] = []
        self.board = Board()
        self.window = Window("line", 100, LineEstimator(round(10 / byte_s) if byte_s else 0))
        self.done: list[PendingRequest] = []
        self.answers: Counter[int] = Counter()
        self._calls = list(reversed(calls))
        self._out, self._back = Line(out, byte_s), Line(back, byte_s)
        self._numbers = itertools.count()
        self._events: list[Event] = []
        self._hello: PendingRequest | None = None
        for at_s, is_told in restarts:
            self._add(Event(at_s, 0, "restart", b"told" if is_told else b""))

    def run(self) -> None:
        """Run until every call is done."""
        self._open()
        steps = 0
        while self._calls or not all(p.done for p in self.done) or self._hello:
            steps += 1
            assert steps < 5_000, "no end in sight"
            self.window.tick(self.now)
            self.fallbacks += self.window.falls_back(self.now)
            self._submit()
            while (out := self.window.next_frame(self.now)) is not None:
                for at_s, frame in self._out.carry(out.frame, self.now):
                    self._add(Event(at_s, 0, "out", frame))
            self._advance()

    def _submit(self) -> None:
        while self._calls:
            method, params = self._calls[-1]
            pending = self.window.submit(method, params, TIMEOUT_S)
            if pending is None:
                return
            self._calls.pop()
            self.done.append(pending)
            self._check_bytes()

    def _check_bytes(self) -> None:
        """Check that bulk takes no longer than it may, or is two frames."""
        bulk = [p for p in self.done if p.is_bulk and not p.done]
        if len(bulk) > 2:
            before = sum(p.line_bytes for p in bulk[:-1])
            assert self.window.estimator.may_queue(before)
        assert len(bulk) <= max(2, self.window.size - 1)

    def _advance(self) -> None:
        """Go to what comes next: an event or the window's wake-up, never in the past."""
        wakeup_s = self.window.next_wakeup()
        assert wakeup_s is None or wakeup_s > self.now, "a busy loop"
        if not self._events and wakeup_s is None:
            return
        next_s = min([e.at_s for e in self._events[:1]] + ([wakeup_s] if wakeup_s else []))
        self.now = max(self.now, next_s)
        while self._events and self._events[0].at_s <= self.now:
            self._happen(heapq.heappop(self._events))

    def _happen(self, event: Event) -> None:
        if event.kind == "restart":
            self.board.restart()
            if event.data:
                self._answer(Notification("boot", (BOOT,)))
            return
        if event.kind == "late":
            if event.reply is not None and event.boots == self.board.boots:
                self.board.at_work.discard(event.reply.id)
                self._answer(event.reply)
            return
        if event.kind == "go on":
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                self._happen(one)
            return
        for part in Decoder().feed(event.data, self.now):
            if isinstance(part, Body):
                message = unpack(part.data)
                if isinstance(message, Request):
                    self._receive(event, message)
                else:
                    self._hear(message)

    def _receive(self, event: Event, request: Request) -> None:
        """Handle a request, or keep its frame while the board is at work on another."""
        if self.now < self._stalled_s:
            if len(self._waiting) < BOARD_WINDOW:
                self._waiting.append(event)
            else:
                self.lost.append(request)
            return
        numbers = [p.request.id for p in self.done]
        stall_s = 0.0
        if request.id in numbers:
            stall_s = self._stalls.pop(numbers.index(request.id), 0.0)
        if stall_s:
            self._stalled_s = self.now + stall_s
            self._waiting = [event]
            self._add(Event(self._stalled_s, 0, "go on"))
        else:
            self._take(request)

    def _take(self, request: Request) -> None:
        answer = self.board.take(request)
        if answer is not None:
            self._answer(answer)
        elif self.board.executed[self.board.boots, request.id] and request.id in self.board.at_work:
            reply = self.board.replies.get(request.id)
            self._add(Event(self.now + LATE_S, 0, "late", b"", reply, self.board.boots))

    def _answer(self, message: Reply | Notification) -> None:
        for at_s, frame in self._back.carry(encode_frame(message.pack()), self.now):
            self._add(Event(at_s, 0, "in", frame))

    def _hear(self, message: Reply | Notification) -> None:
        if isinstance(message, Reply):
            answered = self.window.received(message, self.now)
            if answered is not None:
                self.answers[answered.request.id] += 1
            if answered is not None and answered is self._hello:
                self._hello = None
                self.window.size = BOARD_WINDOW - 1
                self.window.can_fall_back = True
        else:
            self.window.restarted(BootReport.read(message.params[0]))
            self._open()

    def _open(self) -> None:
        if self._hello is None:
            self._hello = self.window.submit("hello", (1,), TIMEOUT_S)
            assert self._hello is not None

    def _add(self, event: Event) -> None:
        event.number = next(self._numbers)
        heapq.heappush(self._events, event)
