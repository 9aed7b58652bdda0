"""Events that scripts on the board emit, for `Device.on` and `Device.events`."""

from __future__ import annotations

import contextlib
import sys
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType

from host_sdk.errors import (
    DeviceError,
    DeviceResetError,
    LinkError,
    PortClosedError,
    XipnetError,
)
from host_sdk.link.session import Session
from host_sdk.link.values import Value

_KEPT_EVENTS = 100_000
_KEPT_BYTES = 1 << 24  # as they came along the wire
_STOP_S = 2.0

EventCallback = Callable[[Value], object]


@dataclass(frozen=True)
class Event:
    """An event: what `xipnet.emit(topic, value)` sent.

    Attributes:
        topic: first argument.
        value: second argument.
        number: counts what the board emitted since the PC began to listen.
    """

    topic: str
    value: Value
    number: int


class EventStream(Iterator[Event]):
    """Events in the order of their emission, until it or the device is closed.

    Attributes:
        dropped: events that were not fetched in time: the oldest beyond 100,000, or beyond 16 MB,
            are forgotten.
        restarts: how often the board has restarted since; what it emitted until it was asked
            again is missing, and counted nowhere.

    Raises:
        PortClosedError: by the iteration: the port is gone.
        NoResponseError: by the iteration: the board does not answer any more.
    """

    def __init__(
        self, topics: tuple[str, ...], timeout_s: float | None, leave: Callable[[EventStream], None]
    ) -> None:
        self.dropped = 0
        self.restarts = 0
        self._topics = topics
        self._timeout_s = timeout_s
        self._leave = leave
        self._events: deque[tuple[Event, int]] = deque()
        self._kept_bytes = 0
        self._changed = threading.Condition()
        self._ended = False
        self._error: XipnetError | None = None

    def __next__(self) -> Event:
        with self._changed:
            if not self._changed.wait_for(lambda: self._events or self._ended, self._timeout_s):
                raise StopIteration
            if self._events:
                return self._oldest()
            raise self._error or StopIteration

    def put(self, event: Event, size: int) -> None:
        """Take an event if it is of the stream's topics.

        Args:
            event: the event.
            size: bytes that it took on the wire.
        """
        if self._topics and event.topic not in self._topics:
            return
        with self._changed:
            self._events.append((event, size))
            self._kept_bytes += size
            while len(self._events) > _KEPT_EVENTS or self._kept_bytes > _KEPT_BYTES:
                self._oldest()
                self.dropped += 1
            self._changed.notify()

    def _oldest(self) -> Event:
        event, size = self._events.popleft()
        self._kept_bytes -= size
        return event

    def end(self, error: XipnetError | None = None) -> None:
        """End the stream with an error; what is there can still be fetched."""
        with self._changed:
            self._ended = True
            self._error = self._error or error
            self._changed.notify_all()

    def close(self) -> None:
        """Stop listening."""
        self._leave(self)
        self.end()

    def __enter__(self) -> EventStream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Events:
    """The distribution of the board's events to listeners. Thread-safe.

    Args:
        session: with the board.

    Attributes:
        lost: events that the line lost, known by the gaps in their numbers.
    """

    def __init__(self, session: Session) -> None:
        self.lost = 0
        self._session = session
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()  # a loop may be left
        self._callbacks: dict[str, list[EventCallback]] = {}
        self._calling: EventStream | None = None  # that of the callbacks
        self._next = 0
        self._counts_from_0 = False
        self._asked = False
        self._lock = threading.Lock()
        self._asking = threading.RLock()  # taken before _lock
        session.link.on_event = self._take
        session.link.on_end = self.end
        session.on_reboot = self._ask_again

    @property
    def is_heard(self) -> bool:
        """True while somebody listens."""
        with self._lock:
            calls = any(self._callbacks.values())
            return any(calls or stream is not self._calling for stream in self._streams)

    def listen(self, topics: tuple[str, ...], timeout_s: float | None) -> EventStream:
        """Open a stream of events from now on; no topics: all."""
        stream = EventStream(topics, timeout_s, self._remove)
        with self._lock:
            self._streams.add(stream)
        with self._asking:
            if not self._asked:
                self._ask()
        if not self._session.link.is_open:
            stream.end()
        return stream

    def on(self, topic: str, callback: EventCallback) -> Callable[[], None]:
        """Call back with each value of a topic; return a function that ends it."""
        with self._asking:
            if self._calling is None:
                self._calling = stream = self.listen((), None)
                threading.Thread(
                    target=self._call_back, args=(stream,), name="xipnet-events", daemon=True
                ).start()
        with self._lock:
            self._callbacks.setdefault(topic, []).append(callback)

        def off() -> None:
            with self._lock:
                if callback in self._callbacks.get(topic, []):
                    self._callbacks[topic].remove(callback)

        return off

    def stop(self) -> None:
        """Ask the board to emit no more, for the next user of the line."""
        if self._asked and self._session.link.is_open:
            with contextlib.suppress(LinkError, DeviceError):
                self._session.call("events", False, timeout_s=_STOP_S)

    def end(self, error: XipnetError | None) -> None:
        """End all streams with an error; None: the device was closed."""
        with self._lock:
            streams = list(self._streams)
            self._streams.clear()
            self._calling = None
            self._asked = False
        for stream in streams:
            stream.end(error)

    def _call_back(self, stream: EventStream) -> None:
        try:
            for event in stream:
                with self._lock:
                    callbacks = list(self._callbacks.get(event.topic, []))
                for callback in callbacks:
                    _call(callback, event)
        except XipnetError as error:
            print(f"xipnet: no more events: {error}", file=sys.stderr)

    def _ask(self) -> None:
        self._counts_from_0 = self._next > 0
        self._session.call("events", True)
        self._asked = True

    def _ask_again(self) -> None:
        """Ask for events again after the board has restarted."""
        with self._asking:
            if not self._asked:
                return
            try:
                self._ask()
            except (DeviceResetError, PortClosedError):  # then this is called again, or `end` is
                return
            except XipnetError as error:
                self.end(error)
                return
        with self._lock:
            for stream in self._streams:
                stream.restarts += 1

    def _take(self, number: int, topic: str, value: Value, size: int) -> None:
        """Take an event from the link, in the reader's thread."""
        if number < self._next and not self._counts_from_0:
            return  # the line has doubled it
        if number < self._next:
            self._next, self._counts_from_0 = 0, False
        self.lost += number - self._next
        self._next = number + 1
        event = Event(topic, value, number)
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.put(event, size)

    def _remove(self, stream: EventStream) -> None:
        with self._lock:
            self._streams.discard(stream)


def _call(callback: EventCallback, event: Event) -> None:
    try:
        callback(event.value)
    except Exception:  # one listener's error must not keep the others from hearing
        print(f"xipnet: a listener to {event.topic!r} failed:", file=sys.stderr)
        traceback.print_exc()
