"""Ways to move bytes to and from a board; `open_transport` picks one by its name."""

from host_sdk.transports.base import Transport
from host_sdk.transports.memory import MemoryTransport
from host_sdk.transports.open import open_transport

__all__ = ["MemoryTransport", "Transport", "open_transport"]
