"""The interface of transports."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """A way to move bytes.

    `read` is called by one thread, `write` by any, one at a time.

    Attributes:
        name: the port, for messages.
    """

    name: str

    def read(self, timeout_s: float) -> bytes:
        """Return the bytes that are there, at least one; b"" if none came in time.

        Raises:
            PortClosedError: the port is gone, or `close` was called.
        """

    def write(self, data: bytes) -> None:
        """Send all bytes.

        Raises:
            PortClosedError: the port is gone, or `close` was called.
        """

    def close(self) -> None:
        """Free the port and wake a waiting `read`; calling it again does nothing."""
