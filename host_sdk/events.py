"""What scripts on the board emit: `board.on(topic, callback)` and `for event in board.events()`."""

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

from host_sdk.client import Client
from host_sdk.errors import DeviceError, LinkError
from host_sdk.values import Value

_KEPT_EVENTS = 100_000
_STOP_S = 2.0

EventCallback = Callable[[Value], object]


@dataclass(frozen=True)
class Event:
    """What `xipnet.emit(topic, value)` sent.

    Attributes:
        topic: first argument.
        value: second argument.
        number: counts what the board emitted since the PC began to listen.
    """

    topic: str
    value: Value
    number: int


class EventStream(Iterator[Event]):
    """Events in the order in which they were emitted; ends with the port, or when it is closed.

    Attributes:
        dropped: events that were not fetched in time: the oldest beyond 100,000 are forgotten.
    """

    def __init__(
        self, topics: tuple[str, ...], timeout_s: float | None, leave: Callable[[EventStream], None]
    ) -> None:
        self.dropped = 0
        self._topics = topics
        self._timeout_s = timeout_s
        self._leave = leave
        self._events: deque[Event] = deque()
        self._changed = threading.Condition()
        self._ended = False

    def __next__(self) -> Event:
        with self._changed:
            if not self._changed.wait_for(lambda: self._events or self._ended, self._timeout_s):
                raise StopIteration
            if not self._events:
                raise StopIteration
            return self._events.popleft()

    def put(self, event: Event) -> None:
        """Takes an event, where it is of the stream's topics."""
        if self._topics and event.topic not in self._topics:
            return
        with self._changed:
            if len(self._events) >= _KEPT_EVENTS:
                self._events.popleft()
                self.dropped += 1
            self._events.append(event)
            self._changed.notify()

    def end(self) -> None:
        """No more will come; what is there can still be fetched."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Stops listening."""
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
    """Hands the board's events to those who listen. Thread-safe.

    Args:
        client: the session.

    Attributes:
        lost: events that the line lost, known by the gaps in their numbers.
    """

    def __init__(self, client: Client) -> None:
        self.lost = 0
        self._client = client
        self._streams: weakref.WeakSet[EventStream] = weakref.WeakSet()  # a loop may be left
        self._callbacks: dict[str, list[EventCallback]] = {}
        self._next = 0
        self._asked = False
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        client.link.on_event = self._take
        client.link.on_end = self._end
        client.on_reboot = self._ask_again

    def listen(self, topics: tuple[str, ...], timeout_s: float | None) -> EventStream:
        """A stream of events from now on; no topics: all."""
        stream = EventStream(topics, timeout_s, self._remove)
        with self._lock:
            self._streams.add(stream)
        self._ask()
        if not self._client.link.is_open:
            stream.end()
        return stream

    def on(self, topic: str, callback: EventCallback) -> Callable[[], None]:
        """Calls back with each value of a topic; returns a function that ends it."""
        with self._lock:
            first = not self._callbacks
            self._callbacks.setdefault(topic, []).append(callback)
        if first:
            stream = self.listen((), None)
            threading.Thread(
                target=self._call_back, args=(stream,), name="xipnet-events", daemon=True
            ).start()

        def off() -> None:
            with self._lock:
                if callback in self._callbacks.get(topic, []):
                    self._callbacks[topic].remove(callback)

        return off

    def stop(self) -> None:
        """Asks the board to emit no more, for who uses the line next."""
        if self._asked and self._client.link.is_open:
            with contextlib.suppress(LinkError, DeviceError):
                self._client.call("events", False, timeout_s=_STOP_S)

    def _call_back(self, stream: EventStream) -> None:
        for event in stream:
            with self._lock:
                callbacks = list(self._callbacks.get(event.topic, []))
            for callback in callbacks:
                try:
                    callback(event.value)
                except Exception:  # one listener's error must not keep the others from hearing
                    print(f"xipnet: a listener to {event.topic!r} failed:", file=sys.stderr)
                    traceback.print_exc()

    def _ask(self) -> None:
        with self._asking:
            if not self._asked:
                self._next = 0
                self._asked = True
                self._client.call("events", True)

    def _ask_again(self) -> None:
        """After the board has restarted, which begins to count anew."""
        if self._asked:
            self._next = 0
            with contextlib.suppress(LinkError):
                self._client.call("events", True)

    def _take(self, number: int, topic: str, value: Value) -> None:
        """In the reader's thread."""
        self.lost += max(number - self._next, 0)
        self._next = number + 1
        event = Event(topic, value, number)
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.put(event)

    def _remove(self, stream: EventStream) -> None:
        with self._lock:
            self._streams.discard(stream)

    def _end(self) -> None:
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.end()
