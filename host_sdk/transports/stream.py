"""Bytes over a connected socket."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable

from host_sdk.errors import PortClosedError

_WRITE_TIMEOUT_S = 10.0


class SocketTransport:
    """A transport over a socket, which it owns.

    Args:
        connection: connected.
        name: the port, for messages.
        on_close: called once, when the transport is closed.
        why_closed: what to say when the other side has closed.
    """

    def __init__(
        self,
        connection: socket.socket,
        name: str,
        on_close: Callable[[], None],
        why_closed: Callable[[], str] = lambda: "the other side has closed",
    ) -> None:
        self.name = name
        self._socket = connection
        self._socket.settimeout(_WRITE_TIMEOUT_S)
        self._on_close = on_close
        self._why_closed = why_closed
        self._closing = threading.Lock()
        self._closed = False

    def read(self, timeout_s: float) -> bytes:
        """See `Transport.read`."""
        try:
            if not select.select([self._socket], [], [], timeout_s)[0]:
                return b""
            data = self._socket.recv(1 << 16)
        except (OSError, ValueError) as error:
            raise self._gone(error) from error
        if not data:
            raise self._gone(None)
        return data

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._gone(error) from error

    def close(self) -> None:
        """See `Transport.close`."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._on_close()

    def _gone(self, error: Exception | None) -> PortClosedError:
        if isinstance(error, TimeoutError):
            return PortClosedError(f"{self.name} took no bytes for {_WRITE_TIMEOUT_S:g} s")
        if self._closed:  # by this side, and what knew why the other one did may be gone
            return PortClosedError(f"{self.name} was closed")
        return PortClosedError(f"{self.name}: {self._why_closed()}")
