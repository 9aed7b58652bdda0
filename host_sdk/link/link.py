"""Requests over a transport: a reader thread, a clock and locks around a `Window`.

The reader takes the stream apart. Everything is sent by the threads that wait for replies: the
reader can never be stuck in a write while the board waits for it to read.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

from host_sdk.errors import LinkError, PortClosedError, ProtocolError, device_error
from host_sdk.link.board_info import BootReport
from host_sdk.link.framing import Body, Decoder, Text
from host_sdk.link.line_estimator import LineEstimator
from host_sdk.link.messages import Notification, Reply, unpack
from host_sdk.link.request import PendingRequest
from host_sdk.link.values import Value, brief
from host_sdk.link.window import Counters, Window
from host_sdk.link.wire_map import U32_MOST
from host_sdk.transports.base import Transport

DEFAULT_TIMEOUT_S = 10.0
_READ_S = 0.05
_LONGEST_WAIT_S = 0.5  # Windows delivers Ctrl-C only between two waits
_SEEN_TEXT_BYTES = 200


class Link:
    """Thread-safe requests over a transport, which it owns.

    Args:
        transport: moves the bytes.
        on_text: called with text from the board, in the reader's thread.
        on_boot: called when the board has restarted, in the reader's thread.
        clock: seconds, never going back.

    Attributes:
        window: the requests under way; only its attributes may be used from outside.
        on_event: called with number, topic, value and size (bytes on the wire) of an event, in the
            reader's thread.
        on_end: called when the port is gone, with the reason; when it is closed, with None.
    """

    def __init__(
        self,
        transport: Transport,
        on_text: Callable[[bytes], None],
        on_boot: Callable[[BootReport], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.window = Window(
            transport.name, secrets.randbits(30), LineEstimator(getattr(transport, "baud", 0))
        )
        self._clock = clock
        self.on_event: Callable[[int, str, Value, int], None] | None = None
        self.on_end: Callable[[LinkError | None], None] | None = None
        self._transport = transport
        self._on_text = on_text
        self._on_boot = on_boot
        self._fallback: Callable[[], None] | None = None
        self._decoder = Decoder()
        self._frame_s = clock()  # of the last valid frame, whatever it said
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
    def reopened(self) -> int:
        """How often the port went away and came back."""
        return getattr(self._transport, "reopened", 0)

    @property
    def is_open(self) -> bool:
        """False once the port is closed or gone."""
        return self._gone is None

    @property
    def counters(self) -> Counters:
        """What happened so far: for tests and diagnosis."""
        return self.window.counters

    @property
    def estimator(self) -> LineEstimator:
        """What was learnt of the line."""
        return self.window.estimator

    def request(
        self, method: str, *params: Value, timeout_s: float | None = DEFAULT_TIMEOUT_S
    ) -> Value:
        """Send a request and wait for its result.

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
    ) -> PendingRequest:
        """Send a request; wait only while the window is full. Arguments as for `request`."""
        made: list[PendingRequest] = []

        def make() -> bool:
            made.extend(filter(None, [self.window.submit(method, params, timeout_s)]))
            return bool(made)

        self._wait_for(make)
        if not made:
            raise PortClosedError(str(self._gone))
        self._send(made[0])
        return made[0]

    def wait(self, pending: PendingRequest) -> Value:
        """Return the result of a submitted request; raise as `request` does."""
        self._wait_for(lambda: pending.done)
        if pending.error is not None:
            raise pending.error
        if pending.reply is None:
            raise PortClosedError(str(self._gone))
        f = pending.reply.failure
        if pending.reply.broken_rule:
            raise ProtocolError(f"reply to {pending.request.place}: {pending.reply.broken_rule}")
        if f is not None:
            raise device_error(f.code, f.message, f.detail, pending.request.place)
        return pending.reply.result

    def wait_quiet(self, quiet_s: float) -> bool:
        """Wait until no frame came for a while and only Python services are waited for.

        Args:
            quiet_s: length of the while.

        Returns:
            False once the port is closed or gone.
        """
        with self._changed:
            while self._gone is None:
                left_s = self._frame_s + quiet_s - self._clock()
                if self.window.expects_reply:
                    left_s = quiet_s
                if left_s <= 0:
                    return True
                self._changed.wait(left_s)
        return False

    def set_fallback(self, fallback: Callable[[], None] | None) -> None:
        """Set what brings the line back to its first speed; None: it has that.

        Args:
            fallback: called at most once, in a caller's thread, when the board has restarted or
                has been silent for seconds though it was asked.
        """
        with self._changed:
            self._fallback = fallback
            self.window.can_fall_back = fallback is not None
            self._changed.notify_all()

    def write_text(self, data: bytes) -> None:
        """Send text, as a terminal does.

        Args:
            data: without a 00 byte, which would open a frame.
        """
        if b"\0" in data:
            raise ProtocolError("text must not hold a 00 byte")
        with self._sending:
            self._transport.write(data)

    def close(self) -> None:
        """Free the port; requests under way fail with `PortClosedError`."""
        self._end(PortClosedError(f"{self.name} was closed"), on_purpose=True)
        self._transport.close()
        if threading.current_thread() is not self._reader:
            self._reader.join()

    # ---- Sending, in the threads of the callers --------------------------------------------------

    def _send(self, pending: PendingRequest) -> None:
        """Write frames until this one has left; smaller ones go before it."""
        try:
            while self.window.is_queued(pending):
                self._write_frame(pending)
        except BaseException:  # Ctrl-C: nobody has the request, to send it or to wait for it
            with self._changed:
                self.window.withdraw(pending)
            raise

    def _write_frame(self, wanted: PendingRequest | None = None) -> None:
        """Write the next frame.

        Args:
            wanted: write nothing if it has left; None: if no repetition waits.
        """
        window = self.window
        with self._sending:
            with self._changed:
                still = window.is_queued(wanted) if wanted else window.has_repetitions
                out = window.next_frame(self._clock()) if still else None
                if out is None:
                    return
                if out.first_sent != out.last_sent:
                    self._changed.notify_all()  # whoever waits for it must know when it is due next
            try:
                self._transport.write(out.frame)
            except PortClosedError as error:
                self._end(error)

    def _wait_for(self, ready: Callable[[], bool]) -> None:
        """Wait for a condition or the end of the port, and send again what is due.

        Args:
            ready: called with the lock held, until it is true.
        """
        while True:
            with self._changed:
                now = self._clock()
                self.window.tick(now)
                if self._gone is not None or ready():
                    return
                fallback = self._fallback if self.window.falls_back(now) else None
                if fallback is None and not self.window.has_repetitions:
                    self._changed.wait(self._idle_s(now))
                    continue
            if fallback is None:
                self._write_frame()
            else:
                fallback()
                with self._changed:
                    self.window.ask_again()
                    self._changed.notify_all()

    def _idle_s(self, now: float) -> float:
        wakeup_s = self.window.next_wakeup()
        if wakeup_s is None:
            return _LONGEST_WAIT_S
        return max(0.0, min(wakeup_s - now, _LONGEST_WAIT_S))

    # ---- Receiving, in the reader's thread -------------------------------------------------------

    def _read(self) -> None:
        try:
            while True:
                self._take(self._transport.read(_READ_S))
        except PortClosedError as error:
            self._end(error)
        except Exception as error:  # a driver's: nobody would read replies, and all would wait
            self._end(PortClosedError(f"{self.name}: {type(error).__name__}: {error}"))

    def _take(self, data: bytes) -> None:
        for part in self._decoder.feed(data, self._clock()):
            match part:
                case Text(text):
                    self.counters.seen_text = text[-_SEEN_TEXT_BYTES:]
                    self._on_text(text)
                case Body(body):
                    self._frame_s = self._clock()
                    self._take_message(body)
        self.counters.bad_frames = self._decoder.bad_frames

    def _take_message(self, body: bytes) -> None:
        try:
            match unpack(body):
                case Reply() as reply:
                    with self._changed:
                        if self.window.received(reply, self._clock()) is not None:
                            self._changed.notify_all()
                case Notification("boot", (report, *_)):
                    self._restarted(BootReport.read(report))
                case Notification("event", (int(number), str(topic), value)):
                    if not 0 <= number <= U32_MOST:
                        raise ProtocolError(f"event's number must be an u32; is {brief(number)}")
                    if self.on_event is not None:
                        self.on_event(number, topic, value, len(body))
                case _:
                    pass  # a topic of a newer firmware
        except ProtocolError:
            self.counters.bad_messages += 1

    def _restarted(self, boot: BootReport) -> None:
        with self._changed:
            # Under one lock: whoever is told may call again at once, and once that has opened a
            # session, nothing older may be repeated.
            self._on_boot(boot)
            self.window.restarted(boot)
            self._changed.notify_all()

    def _end(self, error: PortClosedError, on_purpose: bool = False) -> None:
        with self._changed:
            if self._gone is not None:
                return
            self._gone = error
            self.window.close(str(error))
            self._changed.notify_all()
        if self.on_end is not None:
            self.on_end(None if on_purpose else error)
