"""Ask a MicroPython that shows its prompt to serve the SDK.

Upstream's ports with our module answer frames only while `xipnet.serve()` runs (docs/PORTING.md).
"""

from __future__ import annotations

import re
import threading

from host_sdk.display.plain import plain_line
from host_sdk.errors import LinkError, NoModuleError
from host_sdk.link.link import Link

_PROMPT = b">>> "
_PASTE = b"=== "
_WAIT_S = 3.0
_KEPT_BYTES = 4096
# At the friendly prompt Ctrl-B shows who is there; out of the raw one it leads there.
_WHO = b"\r\x02"
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
        seen = self._typed(link, _WHO, _PROMPT)
        if seen.endswith(_PASTE):  # a byte of the frame asked for it; Ctrl-C ends it
            seen = self._typed(link, b"\x03" + _WHO, _PROMPT)
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

    def _typed(self, link: Link, keys: bytes, end: bytes) -> bytes:
        """Type keys; return what came since, up to `end` or for a while."""
        with self._changed:
            if keys:
                self._text = b""
        try:
            link.write_text(keys)
        except LinkError:
            return b""
        with self._changed:
            ends = (end, _PASTE)
            self._changed.wait_for(lambda: self._text.endswith(ends), _WAIT_S)
            return self._text
