"""What the tests on virtual boards share."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_sdk.transports import Transport
from host_sdk.transports.qemu import Qemu, find_board
from host_sdk.transports.stream import SocketTransport
from relocatable import compile_model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example_model(name: str) -> Path:
    """A model that the project ships."""
    return EXAMPLES / "models" / f"{name}.tflite"


@pytest.fixture(scope="session")
def coins_blob() -> bytes:
    return compile_model(example_model("coins"), target="cortex-m55")


@pytest.fixture(scope="session")
def digits_blob() -> bytes:
    return compile_model(example_model("digits"), target="cortex-m55")


class PluggedBoard:
    """A virtual board whose plug can be pulled.

    Attributes:
        transport: the wire to it.
    """

    def __init__(self, flash: Path | None = None, cpu: str = "cortex-m55") -> None:
        here, there = socket.socketpair()
        with there:
            self.qemu = Qemu(find_board(cpu), flash, there)
        self.transport = SocketTransport(here, f"test://{cpu}", self.qemu.close)


@pytest.fixture
def plugged(tmp_path: Path) -> Iterator[PluggedBoard]:
    board = PluggedBoard(tmp_path / "flash")
    yield board
    board.transport.close()


class NoisyTransport:
    """A wire on which bytes get lost and flipped, both ways; repeatable.

    Args:
        inner: the true wire.
        rate: of the bytes that get lost or flipped.
    """

    def __init__(self, inner: Transport, rate: float) -> None:
        self.name = f"noisy {inner.name}"
        self.rate = rate
        self.spoiled = 0
        self._inner = inner
        self._random = random.Random(7)

    def read(self, timeout_s: float) -> bytes:
        return self._spoil(self._inner.read(timeout_s))

    def write(self, data: bytes) -> None:
        self._inner.write(self._spoil(data))

    def close(self) -> None:
        self._inner.close()

    def _spoil(self, data: bytes) -> bytes:
        if not data or self._random.random() >= self.rate * len(data):
            return data
        self.spoiled += 1
        at = self._random.randrange(len(data))
        flipped = b"" if self._random.random() < 0.5 else bytes([data[at] ^ 0x10])
        return data[:at] + flipped + data[at + 1 :]
