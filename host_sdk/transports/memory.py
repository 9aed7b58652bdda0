"""Two ends of a wire within this process, for tests and boards made of Python."""

from __future__ import annotations

import threading

from host_sdk.errors import PortClosedError


class _Pipe:
    """Bytes one way."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._changed = threading.Condition()
        self._closed = False

    def put(self, data: bytes) -> None:
        with self._changed:
            if self._closed:
                raise PortClosedError("the memory port is closed")
            self._bytes += data
            self._changed.notify_all()

    def take(self, timeout_s: float) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._bytes or self._closed, timeout_s)
            if self._closed and not self._bytes:
                raise PortClosedError("the memory port is closed")
            data = bytes(self._bytes)
            self._bytes.clear()
            return data

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class MemoryTransport:
    """One end of a wire; make two with `pair`.

    Attributes:
        name: "memory://".
    """

    def __init__(self, incoming: _Pipe, outgoing: _Pipe) -> None:
        self.name = "memory://"
        self._incoming = incoming
        self._outgoing = outgoing

    @classmethod
    def pair(cls) -> tuple[MemoryTransport, MemoryTransport]:
        """Make two ends: what one writes, the other reads; closing one closes both."""
        there, back = _Pipe(), _Pipe()
        return cls(there, back), cls(back, there)

    def read(self, timeout_s: float) -> bytes:
        """See `Transport.read`."""
        return self._incoming.take(timeout_s)

    def write(self, data: bytes) -> None:
        """See `Transport.write`."""
        self._outgoing.put(data)

    def close(self) -> None:
        """See `Transport.close`."""
        self._incoming.close()
        self._outgoing.close()
