"""A TCP connection to a serial port server or a simulator: socket://HOST:PORT."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from host_sdk.errors import PortNotFoundError
from host_sdk.transports.lock import lock_port
from host_sdk.transports.stream import SocketTransport

_CONNECT_TIMEOUT_S = 5.0


def open_tcp(url: str) -> SocketTransport:
    """Connect.

    Args:
        url: socket://HOST:PORT.

    Raises:
        PortNotFoundError: the name is malformed, or nobody listens there.
        PortBusyError: another Device of this user holds it.
    """
    host, port = _address(url)
    lock = lock_port(f"socket://{host}:{port}")
    try:
        connection = socket.create_connection((host, port), _CONNECT_TIMEOUT_S)
    except OSError as error:
        lock.release()
        raise PortNotFoundError(f"{url}: {error.strerror or error}") from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return SocketTransport(connection, url, lock.release)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise PortNotFoundError(f"port must be socket://HOST:PORT; is {url!r}")
    return host, port
