"""Ask a MicroPython that shows its prompt to serve the SDK.

Upstream's ports with our module answer frames only while `xipnet.serve()` runs (docs/PORTING.md).
"""

from __future__ import annotations

import re
import threading
import time

from host_sdk.display.plain import plain_line
from host_sdk.errors import LinkError, NoModuleError
from host_sdk.link.link import Link

_PROMPT = b">>> "
_UNFINISHED = (b"=== ", b"... ")  # paste mode; a bracket or a string that is open
_WAIT_S = 2.0
_QUIET_S = 0.3
_KEPT_BYTES = 4096
# A frame that was typed at a prompt may have begun an escape sequence, which the first Return ends.
_END_LINE = b"\r\r"
# At the friendly prompt Ctrl-B on an empty line shows who is there; out of the raw one it leads
# there.
_WHO = b"\x02"
_INTERRUPT = b"\x03"
_SERVE = b"import xipnet; xipnet.serve()"
_BANNER = re.compile(rb"(MicroPython[^\r\n]*)\r\n[^\r\n]*\r\n>>> $")


class StockPrompt:
    """What a board writes before it serves."""

    def __init__(self) -> None:
        self._text = b""
        self._changed = threading.Condition()

    def take(self, text: bytes) -> None:
        """Keep the end of what the board writes; called by the link's reader."""
        with self._changed:
            self._text = (self._text + text)[-_KEPT_BYTES:]
            self._changed.notify_all()

    def start_serving(self, link: Link) -> bool:
        """Start `xipnet.serve()` if a prompt answers.

        Args:
            link: to the board; nothing answered its `hello`.

        Returns:
            Whether a prompt was there and took the command. A script that runs, or silence, is left
            alone.

        Raises:
            NoModuleError: there is a MicroPython without the module.
        """
        seen = self._who(link)
        if seen and not seen.endswith(_PROMPT):  # paste mode may have echoed a part of the frame,
            seen = self._who(link)  # which hid the rest
        if not seen.endswith(_PROMPT):
            return False
        banner = _BANNER.search(seen)
        answer = self._typed(link, _SERVE + b"\r", _SERVE + b"\r\n")
        if _SERVE not in answer:
            return False
        refused = self._typed(link, b"", _PROMPT)
        if b"AttributeError" in refused:  # ours: it answers beside its prompt, but is slow today
            return False
        if b"Error" in refused:
            found = banner.group(1).decode("utf-8", "replace") if banner else "a MicroPython"
            last = refused.removesuffix(_PROMPT).strip().splitlines()[-1]
            raise NoModuleError(
                link.name, plain_line(found), plain_line(last.decode("utf-8", "replace"))
            )
        return True

    def _who(self, link: Link) -> bytes:
        """Leave what the frame may have begun; return what Ctrl-B shows."""
        if _is_unfinished(self._typed(link, _END_LINE, _PROMPT)):
            self._typed(link, _INTERRUPT, _PROMPT)
        return self._typed(link, _WHO, _PROMPT)

    def _typed(self, link: Link, keys: bytes, end: bytes) -> bytes:
        """Type keys; return what came since, once it ends with `end` and is quiet.

        If it never does, what came within a while.
        """
        with self._changed:
            if keys:
                self._text = b""
        try:
            link.write_text(keys)
        except LinkError:
            return b""
        until = time.monotonic() + _WAIT_S
        with self._changed:
            while (left_s := until - time.monotonic()) > 0:
                is_whole = self._text.endswith(end) or _is_unfinished(self._text)
                if not self._changed.wait(min(left_s, _QUIET_S) if is_whole else left_s):
                    break
            return self._text


def _is_unfinished(text: bytes) -> bool:
    """Whether the last line is one of a prompt that waits for the end of an input."""
    return text.rpartition(b"\r\n")[2].startswith(_UNFINISHED)
