"""Run the drivers of an STM32F4, with each board's facts, on a model of it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from device_fw.boards import load_board
from device_fw.build.board_files import board_c
from device_fw.build.flags import part_macros
from device_fw.build.sources import FIRMWARE_DIR, PARTS_DIR
from tests.c.core_build import FLAGS, HERE

_CORE = ("base/xn_error.c", "base/xn_status.c", "store/xn_flash.c")
_PARTS = ("clock_stm32f4.c", "pins_stm32.c", "flash_stm32f4.c")


@dataclass(frozen=True)
class Chip:
    """The limits of a chip's data sheet, in Hz.

    Attributes:
        core, apb1, apb2: of the core's clock and the two buses'.
        has_over_drive: and needs it above 168 MHz.
    """

    core: int
    apb1: int
    apb2: int
    has_over_drive: bool = False


CHIPS = {
    "nucleo_f446re": Chip(180_000_000, 45_000_000, 90_000_000, True),
    "nucleo_f411re": Chip(100_000_000, 50_000_000, 100_000_000),
    "nucleo_f401re": Chip(84_000_000, 42_000_000, 84_000_000),
    "stm32f4_disco": Chip(168_000_000, 42_000_000, 84_000_000),
}


@pytest.mark.parametrize(
    ("name", "millivolts"),
    [*((name, 3300) for name in CHIPS), ("nucleo_f446re", 2500), ("nucleo_f446re", 1900)],
)
def test_drivers_on_the_model_of_the_chip(name: str, millivolts: int, tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc with its sanitizers")
    chip = CHIPS[name]
    board = load_board(name)
    (tmp_path / "board.c").write_text(board_c(board), encoding="utf-8")
    macros = {
        **part_macros(board),
        "XN_BOARD_NAME": f'"{name}"',
        "XN_BOARD_CPU": f'"{board.cpu}"',
        "XN_BOARD_LEVEL": board.core.level,
        "XN_BOARD_FEATURES": f"({board.core.features})",
        "XN_STM32_MODEL": "1",
        "XN_FLASH_MILLIVOLTS": f"{millivolts}u",
        "TEST_MAX_HZ": f"{chip.core}u",
        "TEST_APB1_MAX_HZ": f"{chip.apb1}u",
        "TEST_APB2_MAX_HZ": f"{chip.apb2}u",
        "TEST_OVER_DRIVE": str(int(chip.has_over_drive)),
    }
    sources = [
        *(HERE / "test_stm32f4.c", HERE / "stm32f4_model.c"),
        *(PARTS_DIR / part for part in _PARTS),
        *(FIRMWARE_DIR / "core" / source for source in _CORE),
        *(tmp_path / "board.c", tmp_path / "clock.o"),
    ]
    program = tmp_path / "test_stm32f4"
    defines = [f"-D{name}={value}" for name, value in macros.items()]
    clock = FIRMWARE_DIR / "arch" / "cortexm" / "clock.c"
    as_model = "-Dxn_port_time_us=clock_time_us"  # the time is the model's: there is no SysTick
    _run("gcc", *FLAGS, *defines, as_model, "-c", clock, "-o", tmp_path / "clock.o")
    _run("gcc", *FLAGS, *defines, *sources, "-o", program)
    assert _run(program) == "ok\n"


@pytest.mark.parametrize("name", ["stm32f4_disco", "disco_l475"])
def test_random_numbers_on_the_model_of_the_generator(name: str, tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc with its sanitizers")
    macros = {**part_macros(load_board(f"{name}-lockable")), "XN_STM32_MODEL": "1"}
    program = tmp_path / "test_rng_stm32"
    defines = [f"-D{name}={value}" for name, value in macros.items()]
    _run(
        "gcc", *FLAGS, *defines, HERE / "test_rng_stm32.c", PARTS_DIR / "rng_stm32.c", "-o", program
    )
    assert _run(program) == "ok\n"


def _run(*command: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
