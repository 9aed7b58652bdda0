"""Notices on an idle line that the board has restarted or is gone, where somebody depends on it.

Who calls notices by himself. Who waits for events does not, nor does a line at a raised speed, at
which a restarted board is not understood. For them a `ping` asks for a sign of life, when nothing
came for a while; with nobody depending on the line, nothing is sent.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from host_sdk.errors import DeviceError, DeviceResetError, LinkError, PortClosedError
from host_sdk.link.session import Client

IDLE_S = 2.0
_ANSWER_S = 6.0  # after half of it the link goes back to 115200 baud


class KeepAlive:
    """Watches a line while somebody needs it; a restart is told by `Client.on_reboot`.

    Args:
        client: the session.
        is_needed: whether somebody depends on the line.
        on_gone: called with the reason, when the board does not answer.
    """

    def __init__(
        self,
        client: Client,
        is_needed: Callable[[], bool],
        on_gone: Callable[[LinkError], None],
    ) -> None:
        self._client = client
        self._is_needed = is_needed
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._watching = False

    def start(self) -> None:
        """Watches from now on, until nobody needs it any more."""
        with self._lock:
            if self._watching or not self._is_needed():
                return
            self._watching = True
        threading.Thread(target=self._watch, name="xipnet-alive", daemon=True).start()

    def _watch(self) -> None:
        while self._client.link.wait_quiet(IDLE_S) and self._goes_on():
            self._ask()

    def _goes_on(self) -> bool:
        with self._lock:
            self._watching = self._is_needed()
            return self._watching

    def _ask(self) -> None:
        try:
            # It answers, or the end of the port is told to whom it concerns.
            with contextlib.suppress(DeviceError, DeviceResetError, PortClosedError):
                self._client.call("ping", None, timeout_s=_ANSWER_S)
        except LinkError as error:
            self._on_gone(error)
