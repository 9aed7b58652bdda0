"""The very image of the NUCLEO-F401RE in an emulator with clocks and flash.

What it has not: some of the core's instructions, so models run on QEMU's STM32F405 alone
(test_stm32.py); and the flash controller takes every write and erases nothing, so its rules are
held by a model of ours (tests/c/stm32f4_model.c).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from device_fw.build import firmware_path
from host_sdk import Device
from host_sdk.transports.stream import SocketTransport
from tests.local_port import connect, free_port

pytestmark = [
    pytest.mark.sim,
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("labwired") is None, reason="needs labwired==0.25.0"),
]

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 120.0
SECTOR_1, SECTOR_5, SECTOR_BYTES = 0x4000, 0x20000, 0x20000


@contextmanager
def plugged(flash: Path) -> Iterator[Device]:
    port = free_port()
    words = [str(firmware_path("nucleo_f401re")), str(flash), str(port)]
    command = [sys.executable, "-m", "tests.sim.stm32_emulator", *words]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        with connect(port, WAIT_S) as wire:
            line = SocketTransport(wire, "nucleo", lambda: None)
            with Device(line, timeout_s=WAIT_S) as board:
                yield board
        assert process.wait(WAIT_S) == 0
    finally:
        process.kill()
        process.wait()


def test_the_image_runs_at_84_mhz_and_keeps_its_store_in_the_chips_flash(tmp_path: Path) -> None:
    flash = tmp_path / "flash.bin"
    objects = {f"object{i}": bytes([i]) * 700 for i in range(1, 4)}
    with plugged(flash) as board:
        told = board.info()
        assert (told.board, told.troubles) == ("nucleo_f401re", ())
        assert told.flash_bytes == 2 * (16 << 10) + 3 * (128 << 10)
        for name, data in objects.items():
            board.put(name, data)
        board.reset()
        assert board.info().boot.cause == "reset"
        assert {name: board.get(name) for name in objects} == objects
    image, registers = flash.read_bytes(), json.loads(flash.with_suffix(".json").read_text())
    assert image[SECTOR_1 + 12 : SECTOR_1 + 20] == b"XPSTORE\0"
    sectors = [image[at : at + SECTOR_BYTES] for at in range(SECTOR_5, 0x80000, SECTOR_BYTES)]
    assert [s[0] for s in sectors] == [1, 2, 3]
    assert all(s[700:] == b"\xff" * (SECTOR_BYTES - 700) for s in sectors)
    assert registers["RCC_CFGR"] >> 2 & 3 == 2  # the PLL
    assert registers["RCC_PLLCFGR"] >> 22 & 1 == 1  # from the ST-LINK's clock
    assert registers["FLASH_ACR"] & 0x70F == 0x702  # caches, two wait states
    assert registers["FLASH_CR"] >> 31 == 1  # locked
    assert registers["USART2_BRR"] == round(42_000_000 / 115200)
