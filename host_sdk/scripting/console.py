"""The text that a board prints: kept for a later read, handed to a listener."""

from __future__ import annotations

import codecs
import contextlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterator

_KEPT_CHARACTERS = 1 << 20

TextListener = Callable[[str], None]


class Console:
    """The board's text, decoded as UTF-8. Thread-safe.

    Attributes:
        listener: called with each piece of text as it comes, in the reader's thread; None: nobody.
    """

    def __init__(self, listener: TextListener | None = None) -> None:
        self.listener = listener
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._text = ""
        self._captures: list[list[str]] = []
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
            A function that returns the text so far.
        """
        pieces: list[str] = []
        with self._lock:
            self._captures.append(pieces)
        try:
            yield lambda: "".join(pieces)
        finally:
            with self._lock:
                self._captures.remove(pieces)

    def take(self, data: bytes) -> None:
        """Take text from the board."""
        with self._lock:
            text = self._decode(data)
            if self._captures:
                self._captures[-1].append(text)
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
