"""A source at its own pace: what waits too long is dropped, the oldest first."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from host_sdk.streams.windows import Window, Windows


@dataclass(frozen=True)
class Captured:
    """A window with its time.

    Attributes:
        window: the window.
        at_s: this computer's monotonic clock when it was there.
        dropped: windows dropped so far.
    """

    window: Window
    at_s: float
    dropped: int


def take_all(windows: Windows) -> Iterator[Captured | None]:
    """Yield every window, as fast as they are asked for."""
    for window in windows.items:
        yield Captured(window, time.monotonic(), 0)


class Live:
    """A thread that captures windows at their own pace, whatever the taker does.

    Args:
        windows: of the source; without a rate it waits for them as long as each takes to come.
        room: windows that may wait.
    """

    def __init__(self, windows: Windows, room: int) -> None:
        self._windows = windows
        self._room = room
        self._waiting: deque[Captured] = deque()
        self._changed = threading.Condition()
        self._dropped = 0
        self._ended = threading.Event()
        self._error: BaseException | None = None
        threading.Thread(target=self._capture, name="xipnet-capture", daemon=True).start()

    def __iter__(self) -> Iterator[Captured | None]:
        """Yield what was captured; None, once, if nothing waits.

        Raises:
            XipnetError: the source failed.
        """
        try:
            while True:
                with self._changed:
                    is_empty = not self._waiting and not self._ended.is_set()
                if is_empty:
                    yield None
                with self._changed:
                    self._changed.wait_for(lambda: self._waiting or self._ended.is_set())
                    if not self._waiting:
                        break
                    captured = self._waiting.popleft()
                yield captured
        finally:
            self._ended.set()
        if self._error is not None:
            raise self._error

    def _capture(self) -> None:
        start_s = time.monotonic()
        try:
            for i, window in enumerate(self._windows.items):
                if self._windows.rate_hz is not None:
                    due_s = start_s + (i + 1) / self._windows.rate_hz
                    self._ended.wait(max(0.0, due_s - time.monotonic()))
                if self._ended.is_set():
                    return
                self._put(window)
        except BaseException as error:  # it is the taker's to see
            self._error = error
        finally:
            with self._changed:
                self._ended.set()
                self._changed.notify_all()

    def _put(self, window: Window) -> None:
        with self._changed:
            if len(self._waiting) == self._room:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(Captured(window, time.monotonic(), self._dropped))
            self._changed.notify_all()
