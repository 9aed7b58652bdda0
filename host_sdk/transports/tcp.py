"""A TCP connection to a serial port server or a simulator: socket://HOST:PORT."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from urllib.parse import urlsplit

from host_sdk.errors import PortBusyError, PortClosedError, PortNotFoundError
from host_sdk.transports.lock import FileLock, port_lock_path

_CONNECT_TIMEOUT_S = 5.0
_WRITE_TIMEOUT_S = 10.0


class TcpTransport:
    """Moves bytes over TCP.

    Args:
        url: socket://HOST:PORT.

    Raises:
        PortNotFoundError: the name is malformed, or nobody listens there.
        PortBusyError: another Device of this user holds it.
    """

    def __init__(self, url: str) -> None:
        self.name = url
        host, port = _address(url)
        try:
            self._lock = FileLock(port_lock_path(f"socket://{host}:{port}"))
        except BlockingIOError as error:
            raise PortBusyError(f"{url} is in use by another Device") from error
        try:
            self._socket = socket.create_connection((host, port), _CONNECT_TIMEOUT_S)
        except OSError as error:
            self._lock.release()
            raise PortNotFoundError(f"{url}: {error.strerror or error}") from error
        self._socket.settimeout(_WRITE_TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._closed = threading.Event()

    def read(self, timeout_s: float) -> bytes:
        """See `Transport.read`."""
        try:
            if not select.select([self._socket], [], [], timeout_s)[0]:
                return b""
            data = self._socket.recv(1 << 16)
        except (OSError, ValueError) as error:
            raise PortClosedError(f"{self.name}: {error}") from error
        if not data:
            raise PortClosedError(f"{self.name} was closed")
        return data

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise PortClosedError(f"{self.name}: {error}") from error

    def close(self) -> None:
        """See `Transport.close`."""
        if self._closed.is_set():
            return
        self._closed.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._lock.release()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise PortNotFoundError(f"port must be socket://HOST:PORT; is {url!r}")
    return host, port
