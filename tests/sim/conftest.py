"""What the tests on virtual boards share."""

from __future__ import annotations

import random
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from device_fw.build import firmware_path
from host_sdk import Device
from host_sdk.transports import Transport
from host_sdk.transports.qemu import Qemu, find_board
from host_sdk.transports.stream import SocketTransport
from relocatable import compile_model

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example_model(name: str) -> Path:
    """Name the file of a model that the project ships."""
    return EXAMPLES / "models" / f"{name}.tflite"


@pytest.fixture(scope="session")
def pico_firmware() -> Path:
    """Build the Raspberry Pi Pico's image, if it is not there."""
    for tool in ("arm-none-eabi-gcc", "cmake", "make", "gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"needs {tool}")
    return firmware_path("pico").with_suffix(".uf2")


def evaluate(board: Device, source: str) -> Any:
    """Evaluate an expression on the board whose type the test knows."""
    return board.eval(source)


def infer_one(board: Device, *inputs: npt.ArrayLike) -> npt.NDArray[Any]:
    """Run a model that has one output."""
    output = board.infer(*inputs)
    assert isinstance(output, np.ndarray)
    return output


@pytest.fixture(scope="session")
def coins_blob() -> bytes:
    blob: bytes = compile_model(example_model("coins"), target="cortex-m55")
    return blob


@pytest.fixture(scope="session")
def digits_blob() -> bytes:
    blob: bytes = compile_model(example_model("digits"), target="cortex-m55")
    return blob


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
        self.corrupted = 0
        self._inner = inner
        self._random = random.Random(7)

    def read(self, timeout_s: float) -> bytes:
        return self._corrupt(self._inner.read(timeout_s))

    def write(self, data: bytes) -> None:
        self._inner.write(self._corrupt(data))

    def close(self) -> None:
        self._inner.close()

    def _corrupt(self, data: bytes) -> bytes:
        if not data or self._random.random() >= self.rate * len(data):
            return data
        self.corrupted += 1
        at = self._random.randrange(len(data))
        flipped = b"" if self._random.random() < 0.5 else bytes([data[at] ^ 0x10])
        return data[:at] + flipped + data[at + 1 :]
