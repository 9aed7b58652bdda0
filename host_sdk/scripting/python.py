"""Python on the board: a source of any length, its output, its traceback."""

from __future__ import annotations

import threading

from host_sdk.errors import PythonError
from host_sdk.link.session import Session
from host_sdk.link.values import Value
from host_sdk.scripting.console import Console

_SOURCE_OVERHEAD_BYTES = 128
_PARTS = "_xipnet_source"


class PythonService:
    """The board's Python: one source at a time.

    Args:
        session: with the board.
        console: takes the board's text.
    """

    def __init__(self, session: Session, console: Console) -> None:
        self._session = session
        self._console = console
        self._one_at_a_time = threading.Lock()

    def exec(self, source: str, timeout_s: float | None) -> str:
        """Run a source in the REPL's `__main__`; return what it printed."""
        with self._one_at_a_time, self._console.capture() as printed:
            try:
                self._call("exec", self._short(source), timeout_s)
            except PythonError as error:
                error.output = printed()
                raise
            return printed()

    def eval(self, source: str, timeout_s: float | None) -> Value:
        """Evaluate an expression."""
        with self._one_at_a_time:
            return self._call("eval", source, timeout_s)

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in what runs now."""
        self._session.call("interrupt")

    def _call(self, method: str, source: str, timeout_s: float | None) -> Value:
        try:
            return self._session.call(method, source, timeout_s=timeout_s)
        except KeyboardInterrupt:
            self.interrupt()
            raise

    def _short(self, source: str) -> str:
        """Fit a source into a frame: itself, or one that runs the parts sent before it."""
        room = self._session.info.frame_bytes - _SOURCE_OVERHEAD_BYTES
        if len(source.encode()) <= room:
            return source
        self._call("exec", f"{_PARTS} = []", None)
        step = room // 4  # repr() makes at most 10 bytes of a character, and seldom more than 2
        at = 0
        while at < len(source):
            part = source[at : at + step]
            while len(repr(part).encode()) > room:
                part = part[: len(part) // 2]
            self._call("exec", f"{_PARTS}.append({part!r})", None)
            at += len(part)
        return f"exec(''.join(globals().pop('{_PARTS}')))"
