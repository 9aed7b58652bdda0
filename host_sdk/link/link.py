"""Requests and replies over a transport: several under way, lost ones repeated.

A reader thread takes the stream apart. Everything is sent by the threads that wait for replies, so
the reader can never be stuck in a write while the board waits for it to read.

How a loss is found: the board handles requests in the order of arrival, so the reply to a later
request shows that an earlier one without a reply was lost; it is then sent again with the same id
(which the board recognises). When nothing comes at all for a while, a probe serves as the later
request: an `out_read` of nothing, which changes nothing. It may have to wait for a model that runs;
a `ping` does not, and tells whether the board is there at all.

Two kinds of methods stand outside of the order: those that the board also answers while a model
runs show nothing about earlier requests, and Python services (`exec`, `call`, ...) answer when they
are done; these, and `hello`, are repeated by the clock.

Small calls go first: at most `QUEUE_S` seconds of bulk are on the line at once, one place of the
board's window is kept free of it, and a small frame that waits to be sent overtakes a long one.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from host_sdk.errors import (
    DeviceFaultError,
    DeviceResetError,
    InputError,
    LinkError,
    NoResponseError,
    PortClosedError,
    ProtocolError,
    device_error,
)
from host_sdk.link.board_info import LEAST_FRAME_BYTES, BootReport
from host_sdk.link.framing import Body, Decoder, Text, encode_frame
from host_sdk.link.line_estimator import Pace
from host_sdk.link.messages import Notification, Reply, Request, unpack
from host_sdk.link.request import (
    ANYTIME_METHODS,
    BULK_METHODS,
    LATE_METHODS,
    PLAIN_METHODS,
    REPEATED_BY_CLOCK,
    SWITCH_METHODS,
    Pending,
)
from host_sdk.link.values import Value
from host_sdk.transports.base import Transport

DEFAULT_TIMEOUT_S = 10.0
_PROBE: tuple[Value, ...] = (0, 0)
_POLL_S = 0.05
_DESPAIR_S = 3.0
_ID_SPAN = 12  # for so long the board keeps a reply, whatever comes after what
_SEEN_TEXT_BYTES = 200


@dataclass
class Counters:
    """What happened on a link."""

    requests: int = 0
    repeated: int = 0
    probes: int = 0
    bad_frames: int = 0
    bad_messages: int = 0
    seen_text: bytes = field(default=b"", repr=False)


class Link:
    """Thread-safe requests over a transport, which it owns.

    Args:
        transport: moves the bytes.
        on_text: called with text from the board, in the reader's thread.
        on_boot: called when the board has restarted, in the reader's thread.

    Attributes:
        window: requests that may be under way at once.
        max_body_bytes: longest body that the board takes.
        counters: for tests and for the curious.
        pace: what was learnt of the line.
        on_silence: called in a caller's thread when the board has been silent for seconds though it
            was asked, or has restarted; None: nothing.
        on_event: called with number, topic and value of an event, in the reader's thread.
        on_end: called when the port is gone, with the reason; when it is closed, with None.
    """

    def __init__(
        self,
        transport: Transport,
        on_text: Callable[[bytes], None],
        on_boot: Callable[[BootReport], None],
    ) -> None:
        self.window = 1
        self.max_body_bytes = LEAST_FRAME_BYTES
        self.counters = Counters()
        self.on_event: Callable[[int, str, Value], None] | None = None
        self.on_end: Callable[[LinkError | None], None] | None = None
        self._transport = transport
        self._on_text = on_text
        self._on_boot = on_boot
        self._decoder = Decoder()
        self._probe_id = secrets.randbits(30)  # one for all: the board keeps few replies
        self._sign_id = self._probe_id + 1  # of the ping
        self._next_id = self._sign_id + 1
        self._transmissions = 0
        self._heard_s = 0.0
        self._frame_s = time.monotonic()  # of the last valid frame, whatever it said
        self.pace = Pace(getattr(transport, "baud", 0))
        self.on_silence: Callable[[], None] | None = None
        self._has_restarted = False  # and nobody has waited for anything since
        self._urgent = 0  # small frames that wait to be sent
        self._under_way: dict[int, Pending] = {}
        self._gone: PortClosedError | None = None
        self._changed = threading.Condition()
        self._sending = threading.Lock()  # taken before _changed, never the other way round
        self._reader = threading.Thread(target=self._read, name="xipnet-reader", daemon=True)
        self._reader.start()

    @property
    def name(self) -> str:
        """The port."""
        return self._transport.name

    @property
    def is_open(self) -> bool:
        """False once the port is closed or gone."""
        return self._gone is None

    def request(
        self, method: str, *params: Value, timeout_s: float | None = DEFAULT_TIMEOUT_S
    ) -> Value:
        """Sends a request and waits for its result.

        Args:
            method: name of docs/SPEC-wire.md, section 3.
            params: its parameters.
            timeout_s: how long the board may be silent (a Python service: how long it may take);
                None waits for ever.

        Raises:
            DeviceError: the board refused.
            LinkError: the way to the board failed.
        """
        return self.wait(self.submit(method, *params, timeout_s=timeout_s))

    def submit(
        self, method: str, *params: Value, timeout_s: float | None = DEFAULT_TIMEOUT_S
    ) -> Pending:
        """Sends a request; waits only while the window is full. Arguments as for `request`."""
        made: list[Pending] = []

        def make() -> bool:
            if self._has_room(method):
                made.append(self._new(method, params, timeout_s))
            return bool(made)

        self._wait_for(make)
        if not made:
            raise PortClosedError(str(self._gone))
        self._transmit(made[0])
        return made[0]

    def wait(self, pending: Pending) -> Value:
        """The result of a submitted request; raises as `request` does."""
        self._wait_for(lambda: pending.done)
        if pending.error is not None:
            raise pending.error
        if pending.reply is None:
            raise PortClosedError(str(self._gone))
        f = pending.reply.failure
        if f is not None:
            raise device_error(f.code, f.message, f.detail, pending.request.place)
        return pending.reply.result

    def wait_quiet(self, quiet_s: float) -> bool:
        """Waits until no frame came for so long, and no reply is waited for but of Python services.

        Returns:
            False once the port is closed or gone.
        """
        with self._changed:
            while self._gone is None:
                left_s = self._frame_s + quiet_s - time.monotonic()
                if self._asked():
                    left_s = quiet_s
                if left_s <= 0:
                    return True
                self._changed.wait(left_s)
        return False

    def write_text(self, data: bytes) -> None:
        """Sends text, as a terminal does.

        Args:
            data: without a 00 byte, which would open a frame.
        """
        if b"\0" in data:
            raise ProtocolError("text must not hold a 00 byte")
        with self._sending:
            self._transport.write(data)

    def close(self) -> None:
        """Frees the port; requests under way fail with `PortClosedError`."""
        self._lose(PortClosedError(f"{self.name} was closed"), on_purpose=True)
        self._transport.close()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    # ---- Sending, in the threads of the callers --------------------------------------------------

    def _new(self, method: str, params: tuple[Value, ...], timeout_s: float | None) -> Pending:
        request = Request(self._next_id, method, params)
        pending = self._start(request, timeout_s, method in REPEATED_BY_CLOCK)
        self._next_id = (self._next_id + 1) % (1 << 32)
        return pending

    def _start(self, request: Request, timeout_s: float | None, by_clock: bool) -> Pending:
        body = request.pack()
        if len(body) > self.max_body_bytes:
            raise InputError(
                f"{request.method}: request must fit the board's frame of {self.max_body_bytes} "
                f"bytes; has {len(body)}"
            )
        pending = Pending(request, encode_frame(body), timeout_s, by_clock)
        self._under_way[request.id] = pending
        self.counters.requests += 1
        return pending

    def _has_room(self, method: str) -> bool:
        others = self._asked()
        in_order = [p for p in others if p.request.method not in SWITCH_METHODS]
        if in_order and self._next_id - in_order[0].request.id >= _ID_SPAN:
            return False
        if not others or method in LATE_METHODS:
            return True
        if method not in BULK_METHODS:
            return len(others) < self.window
        bulk_bytes = sum(p.line_bytes for p in others if p.bulk)
        limit = max(2, self.window - 1)
        return len(others) < limit and (len(others) < 2 or self.pace.may_queue(bulk_bytes))

    def _asked(self) -> list[Pending]:
        """What is answered soon, without what the link itself asks."""
        own = (self._probe_id, self._sign_id)
        return [p for p in self._under_way.values() if not p.late and p.request.id not in own]

    def _transmit(self, pending: Pending) -> None:
        with self._turn(pending.bulk):
            with self._changed:
                if pending.done:
                    return
                self._note_sent(pending, time.monotonic())
            try:
                self._transport.write(pending.frame)
            except PortClosedError as error:
                self._lose(error)

    @contextlib.contextmanager
    def _turn(self, bulk: bool) -> Iterator[None]:
        """Holds the line for one frame; small ones come first."""
        with self._changed:
            if bulk:
                self._changed.wait_for(lambda: self._urgent == 0)
            else:
                self._urgent += 1
        try:
            with self._sending:
                yield
        finally:
            if not bulk:
                with self._changed:
                    self._urgent -= 1
                    self._changed.notify_all()

    def _note_sent(self, pending: Pending, now: float) -> None:
        self._transmissions += 1
        self.pace.sent(len(pending.frame))
        if pending.first_sent:
            self.counters.repeated += 1
            if pending.lost:  # not silence: others were answered
                self.pace.lost()
                pending.retry_s = self.pace.timeout_s(pending.line_bytes)
        else:
            pending.first_sent = self._transmissions
            pending.sent_s = now
            pending.retry_s = self.pace.timeout_s(pending.line_bytes)
        pending.last_sent = self._transmissions
        pending.lost = False
        pending.wait_longer(now)

    def _wait_for(self, ready: Callable[[], bool]) -> None:
        """Waits for a condition, or the end of the port; meanwhile sends again what is due.

        Args:
            ready: called with the lock held, until it is true.
        """
        while True:
            with self._changed:
                now = time.monotonic()
                self._expire(now)
                if self._gone is not None or ready():
                    return
                due = self._due(now)
                despair = self._takes_despair(now)
                if not due and despair is None:
                    self._changed.wait(_POLL_S)
            if despair is not None:
                despair()
                self._ask_anew()
            for pending in due:
                self._transmit(pending)

    def _takes_despair(self, now: float) -> Callable[[], None] | None:
        """`on_silence`, once, where what a board answers at once has waited too long; and where the
        board has restarted, for it does so at the first speed.
        """
        asked = [
            p
            for p in self._under_way.values()
            if p.first_sent and (p.opens or p.request.id == self._sign_id)
        ]
        in_time = all(now - max(p.sent_s, self._heard_s) < _DESPAIR_S for p in asked)
        if in_time and not self._has_restarted:
            return None
        self._has_restarted = False
        despair, self.on_silence = self.on_silence, None
        return despair

    def _ask_anew(self) -> None:
        """At another speed of the line what waits is not waited for any longer."""
        with self._changed:
            for pending in self._under_way.values():
                pending.due_s = 0.0
                pending.retry_s = self.pace.timeout_s(pending.line_bytes)

    def _expire(self, now: float) -> None:
        for pending in list(self._under_way.values()):
            if pending.first_sent and pending.timed_out(now, self._heard_s):
                self._fail(pending, self._no_response(pending))
        if not self._asked():  # then nobody waits for these
            self._under_way.pop(self._probe_id, None)
            self._under_way.pop(self._sign_id, None)

    def _due(self, now: float) -> list[Pending]:
        """Requests to send again now, and a probe where the rest is silent for too long."""
        sent = [p for p in self._under_way.values() if p.first_sent]
        again = [p for p in sent if p.lost or (p.by_clock and now >= p.due_s)]
        silent = [p for p in sent if not p.lost and not p.by_clock and now >= p.due_s]
        for pending in silent:
            pending.wait_longer(now)
        probe = self._under_way.get(self._probe_id)
        if silent and probe is None:
            self.counters.probes += 1
            again.append(self._start(Request(self._probe_id, "out_read", _PROBE), None, True))
        elif probe in again and self._sign_id not in self._under_way:
            again.append(self._start(Request(self._sign_id, "ping", (None,)), None, True))
        return again

    def _no_response(self, pending: Pending) -> NoResponseError:
        method, timeout_s = pending.request.method, pending.timeout_s or 0.0
        message = f"no reply to {method} from {self.name} within {timeout_s:g} s"
        if pending.opens:
            message += ": is it the right port, and does the board run the xipnet firmware?"
            if self.counters.seen_text:
                message += f" It sent text: {self.counters.seen_text.decode(errors='replace')!r}"
        return NoResponseError(message, method, timeout_s)

    # ---- Receiving, in the reader's thread -------------------------------------------------------

    def _read(self) -> None:
        try:
            self._read_on()
        except PortClosedError as error:
            self._lose(error)
        except Exception as error:  # a driver's: nobody would read replies, and all would wait
            self._lose(PortClosedError(f"{self.name}: {type(error).__name__}: {error}"))

    def _read_on(self) -> None:
        while True:
            data = self._transport.read(_POLL_S)
            for part in self._decoder.feed(data, time.monotonic()):
                match part:
                    case Text(text):
                        self.counters.seen_text = text[-_SEEN_TEXT_BYTES:]
                        self._on_text(text)
                    case Body(body):
                        self._frame_s = time.monotonic()
                        self._take(body)
            self.counters.bad_frames = self._decoder.bad_frames

    def _take(self, body: bytes) -> None:
        try:
            match unpack(body):
                case Reply() as reply:
                    self._answer(reply)
                case Notification("boot", (report, *_)):
                    self._restarted(BootReport.read(report))
                case Notification("event", (int(number), str(topic), value)):
                    if self.on_event is not None:
                        self.on_event(number, topic, value)
                case _:
                    pass  # a topic of a newer firmware
        except ProtocolError:
            self.counters.bad_messages += 1

    def _answer(self, reply: Reply) -> None:
        with self._changed:
            answered = self._under_way.pop(reply.id, None)
            if answered is None:
                return
            answered.reply = reply
            last_s, self._heard_s = self._heard_s, time.monotonic()
            answered.done_s = self._heard_s
            if answered.request.method not in ANYTIME_METHODS:
                self._measure(answered, last_s)
                for earlier in self._under_way.values():
                    if not earlier.by_clock and earlier.last_sent < answered.first_sent:
                        earlier.lost = earlier.first_sent > 0
            self._changed.notify_all()

    def _measure(self, answered: Pending, last_s: float) -> None:
        """Learns how long the line takes, from requests that were sent once."""
        if answered.first_sent != answered.last_sent:
            return
        self.pace.answered(self._heard_s - answered.sent_s)
        if answered.request.method in PLAIN_METHODS:
            self.pace.carried(len(answered.frame), self._heard_s - max(answered.sent_s, last_s))

    def _restarted(self, boot: BootReport) -> None:
        """Ends what was under way: but `hello`, which is asked again, the board answers nothing."""
        kind = DeviceFaultError if boot.is_fault else DeviceResetError
        with self._changed:
            # In one: who is told may call again at once, and when that has opened a session,
            # nothing from before may be repeated.
            self._on_boot(boot)
            self._has_restarted = self.on_silence is not None
            for pending in list(self._under_way.values()):
                method = pending.request.method
                if pending.opens:
                    pending.due_s = 0.0  # the board was not there yet
                else:
                    error = kind(f"{method}: the board restarted: {boot}", method, boot)
                    self._fail(pending, error)
            self._changed.notify_all()

    def _lose(self, error: PortClosedError, on_purpose: bool = False) -> None:
        with self._changed:
            if self._gone is not None:
                return
            self._gone = error
            for pending in list(self._under_way.values()):
                self._fail(pending, PortClosedError(str(self._gone)))
            self._changed.notify_all()
        if self.on_end is not None:
            self.on_end(None if on_purpose else error)

    def _fail(self, pending: Pending, error: LinkError) -> None:
        pending.error = error
        del self._under_way[pending.request.id]
