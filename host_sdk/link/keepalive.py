"""The watch over an idle line: has the board restarted, is it gone?

A caller notices by itself. Whoever waits for events does not, nor does a line at a raised speed, at
which a restarted board is not understood. For them a `ping` asks for a sign of life when nothing
came for a while; if nobody depends on the line, nothing is sent.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from host_sdk.errors import DeviceError, DeviceResetError, LinkError, PortClosedError
from host_sdk.link.session import Session

_IDLE_S = 2.0
_ANSWER_S = 6.0  # after half of it the link goes back to 115200 baud


class KeepAlive:
    """A watch over a line while somebody needs it.

    `Session.on_reboot` tells of a restart.

    Args:
        session: whose line it is.
        is_needed: whether somebody depends on the line.
        on_gone: called with the reason, when the board does not answer.

    Attributes:
        idle_s: silence after which it asks.
        answer_s: how long the board may take to answer.
    """

    def __init__(
        self,
        session: Session,
        is_needed: Callable[[], bool],
        on_gone: Callable[[LinkError], None],
    ) -> None:
        self.idle_s = _IDLE_S
        self.answer_s = _ANSWER_S
        self._session = session
        self._is_needed = is_needed
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._watching = False

    def start(self) -> None:
        """Watch from now on, until nobody needs it any more."""
        with self._lock:
            if self._watching or not self._is_needed():
                return
            self._watching = True
        threading.Thread(target=self._watch, name="xipnet-alive", daemon=True).start()

    def _watch(self) -> None:
        while self._session.link.wait_quiet(self.idle_s) and self._goes_on():
            self._ask()

    def _goes_on(self) -> bool:
        with self._lock:
            self._watching = self._is_needed()
            return self._watching

    def _ask(self) -> None:
        try:
            # It answers, or whoever needs the port learns of its end.
            with contextlib.suppress(DeviceError, DeviceResetError, PortClosedError):
                self._session.call("ping", None, timeout_s=self.answer_s)
        except LinkError as error:
            self._on_gone(error)
