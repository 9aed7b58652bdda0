"""A board of one's own: one TOML, anywhere, of at most 40 lines."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from device_fw.boards import BOARDS_DIR, board_names, read_board
from device_fw.build.__main__ import main
from host_sdk import Device
from relocatable import compile_model
from relocatable.blob.host import run as run_on_host
from tests.sim.conftest import example_model
from tests.sim.machine import Machine
from tests.sim.test_containment import ADD_ONE, blob_of
from tests.sim.test_without_vm import TOML

pytestmark = pytest.mark.sim

BLOB = 1


@pytest.mark.parametrize("name", board_names())
def test_a_board_is_at_most_40_lines(name: str) -> None:
    text = (BOARDS_DIR / f"{name}.toml").read_text(encoding="utf-8")
    assert len(said(text)) <= 40


def said(text: str) -> list[str]:
    """Return the lines of a TOML, without those that are blank or a remark."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_a_toml_elsewhere_is_built_and_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TOML.read_text(encoding="utf-8").replace("without MicroPython", "with 96 KB for models")
    text = text.replace('length = "80K" }', 'length = "96K" }')
    path = tmp_path / "my_board.toml"
    path.write_text(text, encoding="utf-8")
    assert len(said(text)) <= 40
    assert main(["--board", str(path), "--out", str(tmp_path / "out")]) == 0
    elf = tmp_path / "out" / "my_board.elf"
    assert str(elf) in capsys.readouterr().out
    with Machine(read_board(path), tmp_path / "flash", elf) as machine:
        machine.boot(prompt=False)
        told = machine.call("hello", 1)
        assert (told["board"], told["arena"]) == ("my_board", 96 << 10)
        machine.put("adds", BLOB, blob_of(ADD_ONE), activate=True)
        assert machine.call("run", 0, [b"a"])["result"] == b"b"


# An STM32F415 that no board of ours has: another crystal, another clock, another USART.
STM32F4 = """
title = "STM32F415, 25 MHz crystal, line at USART1"
cpu = "cortex-m4"
vm = false
link = { frame_bytes = 1024, window = 4, objects = 16, sectors = 8 }
[memory]
vectors = { origin = 0x08000000, length = "16K" } # sector 0
code = { origin = 0x0800C000, length = "80K" } # 3 and 4
stack = { origin = 0x20000000, length = "14K", step = "4K" }
data = { origin = 0x20003800, length = "26K" }
arena = { origin = 0x2000A000, length = "24K" }
[clock]
part = "clock_stm32f4"
hz = 144000000
hse_hz = 25000000
hse_bypass = false
apb1_div = 4
apb2_div = 2
vos = 1
[flash]
FLASH
holds_code = true
[pins]
part = "pins_stm32"
uart_clock = 0x40023844 # RCC_APB2ENR
uart_clock_bit = 4
tx = 0x09 # PA9
rx = 0x0A
[uart] # USART1
part = "uart_stm32_v1"
base = 0x40011000
hz = 72000000 # APB2
irq = 37
"""
SECTORS = 'part = "flash_stm32f4"\nsectors = [1, 2, 5, 6, 7, 8, 9, 10, 11]\nbytes = 0xE8000'
# QEMU's STM32F405 has no flash controller.
RAM = 'part = "nor_ram"\nbase = 0x20010000\nbytes = 0x10000\nends_with_power = true'
QEMU = '[emulator]\nprogram = "qemu-system-arm"\nmachine = "netduinoplus2"\n'


@pytest.mark.few(1)
@pytest.mark.parametrize(("flash", "emulator"), [(SECTORS, ""), (RAM, QEMU)], ids=["chip", "QEMU"])
def test_an_stm32f4_is_a_toml_of_40_lines(flash: str, emulator: str, tmp_path: Path) -> None:
    path = tmp_path / "my_f415.toml"
    path.write_text(STM32F4.replace("FLASH", flash) + emulator, encoding="utf-8")
    assert len(said(path.read_text(encoding="utf-8"))) <= 40
    assert main(["--board", str(path), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "my_f415.elf").exists()
    if not emulator:
        return
    model = example_model("digits")
    with Device(f"sim://{path}") as board:
        told = board.info()
        assert (told.board, told.hz, told.arena_bytes) == ("my_f415", 144_000_000, 24 << 10)
        assert board.load_model(model).golden
        x = np.random.default_rng(9).integers(0, 256, (1, 8, 8, 1), np.uint8)
        expected = run_on_host(compile_model(model, target="host"), x)
        np.testing.assert_array_equal(board.infer(x, raw=True), expected)


def test_what_is_wrong_with_a_toml_is_an_error_of_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my_board.toml"
    path.write_text(TOML.read_text(encoding="utf-8").replace("uart_cmsdk", "uart_x"))
    assert main(["--board", "my_board", "--out", str(tmp_path)]) == 1
    assert re.search("mps3_an547, .*pico2, or a TOML; is 'my_board'", capsys.readouterr().err)
    assert main(["--board", str(path), "--out", str(tmp_path)]) == 1
    told = re.search(r"\[uart\] part must be one of (.*), or a C file", capsys.readouterr().err)
    assert told is not None
    assert {"nor_ram", "uart_cmsdk"} <= set(told.group(1).split(", "))
