"""The text that a board prints: kept for a later read, handed to a listener."""

from __future__ import annotations

import codecs
import contextlib
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator

_KEPT_CHARACTERS = 1 << 20
_CAPTURED_CHARACTERS = 1 << 24

TextListener = Callable[[str], None]


class _Capture:
    """The last of a text of any length."""

    def __init__(self) -> None:
        self._pieces: deque[str] = deque()
        self._characters = 0

    def add(self, text: str) -> None:
        self._pieces.append(text)
        self._characters += len(text)
        while self._characters > _CAPTURED_CHARACTERS:
            self._characters -= len(self._pieces.popleft())

    def text(self) -> str:
        return "".join(self._pieces)


class Console:
    """The board's text, decoded as UTF-8. Thread-safe.

    Attributes:
        listener: called with each piece of text as it comes, in the reader's thread; None: nobody.
    """

    def __init__(self, listener: TextListener | None = None) -> None:
        self.listener = listener
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._text = ""
        self._captures: list[_Capture] = []
        self._lock = threading.Lock()

    def read(self) -> str:
        """Take the text since the last `read`; at most the last million characters."""
        with self._lock:
            text, self._text = self._text, ""
            return text

    @contextlib.contextmanager
    def capture(self) -> Iterator[Callable[[], str]]:
        """Collect what comes until this is left; it stays out of `read`.

        Yields:
            A function that returns the text so far, at most its last 16 million characters.
        """
        capture = _Capture()
        with self._lock:
            self._captures.append(capture)
        try:
            yield capture.text
        finally:
            with self._lock:
                self._captures.remove(capture)

    def take(self, data: bytes) -> None:
        """Take text from the board."""
        with self._lock:
            text = self._decode(data)
            if self._captures:
                self._captures[-1].add(text)
            else:
                self._text = (self._text + text)[-_KEPT_CHARACTERS:]
            listener = self.listener
        if listener is not None and text:
            self._tell(listener, text)

    def _tell(self, listener: TextListener, text: str) -> None:
        try:
            listener(text)
        except Exception:  # a listener's own error must not stop the link
            self.listener = None
            print("xipnet: the text listener failed and is off now:", file=sys.stderr)
            traceback.print_exc()
