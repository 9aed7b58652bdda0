"""TCP ports of this machine that programs under test listen at."""

from __future__ import annotations

import socket
import time


def free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def connect(port: int, wait_s: float) -> socket.socket:
    """Connect to a program that is about to listen.

    Raises:
        OSError: it does not in time.
    """
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
