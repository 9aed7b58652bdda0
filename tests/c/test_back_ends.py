"""The store on each back end of `device_fw/ports/flash`, on this machine.

Below a back end is upstream's own driver, of both releases of MicroPython: `ports/stm32/flash.c`,
`drivers/memory/spiflash.c`, `ports/mimxrt/flash.c`, `ports/nrf/drivers/flash.h`. Below those, in
place of what the vendor's SDK or chip does, are stubs (`back_ends/vendor_*.c`) with the rules of
the chip: its units, how often they are programmed, what cannot be read in that time.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from device_fw.build.sources import BLOB_INCLUDE_DIR, FIRMWARE_DIR
from tests.micropython_releases import RELEASES, release_source

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("usermod")]

HERE = Path(__file__).resolve().parent / "back_ends"
FLASH = FIRMWARE_DIR / "ports" / "flash"
FLAGS = (
    *("-std=gnu11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined"),
    *("-fno-sanitize-recover=all", "-fno-pie"),  # all data is below 4 GB, as addresses are
    *("-Wno-pointer-to-int-cast", "-Wno-int-to-pointer-cast", "-DXN_LOCKABLE=0"),
)


@dataclass(frozen=True)
class Case:
    """A back end, what is below it, and the region that it is told.

    Attributes:
        name: of the back end, and of the stubs.
        upstream: of MicroPython's source, the driver to compile; "": there is only a header.
        port: the folder of its port.
        flags: what the port's build would define.
        region: start and bytes.
        geometry: as the store sees it: bytes, sector, page, unit.
        symbols: of the port's linker script.
    """

    name: str
    vendor: str
    upstream: str
    port: str
    flags: tuple[str, ...]
    region: tuple[int, int]
    geometry: tuple[int, int, int, int]
    symbols: Mapping[str, int] = field(default_factory=dict)


def stm32(family: str, start: int, n: int, sector: int, unit: int) -> Case:
    flags = (
        *(f"-D{family}", "-include", "stm32_hal.h", "-DMICROPY_HW_VTOR=0x08000000u"),
        "-DMICROPY_HW_ENABLE_INTERNAL_FLASH_STORAGE=1",
        "-D_edata=stub_edata",  # this machine's programs have one of their own
    )
    geometry = (n, sector, 256, unit)
    source, port = "ports/stm32/flash.c", "ports/stm32"
    return Case("stm32_internal", "stm32", source, port, flags, (start, n), geometry, STM32[family])


# Firmware of 400 KB; files in its hole, as boards/stm32f427xi.ld has it, or behind it.
STM32 = {
    "STM32F4": {
        "_micropy_hw_internal_flash_storage_start": 0x08004000,
        "_micropy_hw_internal_flash_storage_end": 0x08020000,
        "_sidata": 0x08084000,
        "_sdata": 0x20000000,
        "stub_edata": 0x20000100,
    },
    "STM32H7": {
        "_micropy_hw_internal_flash_storage_start": 0x080C0000,
        "_micropy_hw_internal_flash_storage_end": 0x08100000,
        "_sidata": 0x08064000,
        "_sdata": 0x24000000,
        "stub_edata": 0x24000100,
    },
}


CASES = {
    "stm32h743": stm32("STM32H7", 0x08100000, 0x100000, 0x20000, 32),
    "stm32f427": stm32("STM32F4", 0x08120000, 0xE0000, 0x20000, 4),
    "stm32_qspi": Case(
        *("stm32_qspi", "qspi", "drivers/memory/spiflash.c", "ports/stm32"),
        ("-DXN_USER_SPIFLASH_MAP=0x50000000",),
        *((0x800000, 0x80000), (0x80000, 4096, 256, 1)),
    ),
    "stm32_qspi_with_files": Case(
        *("stm32_qspi", "qspi", "drivers/memory/spiflash.c", "ports/stm32"),
        (
            *("-DXN_USER_SPIFLASH_MAP=0x50000000", "-DXN_USER_SPIFLASH=stub_board_chip"),
            *("-DMICROPY_HW_BDEV_SPIFLASH_SIZE_BYTES=0x800000", "-DNO_QSTR"),
        ),
        *((0x800000, 0x80000), (0x80000, 4096, 256, 1)),
    ),
    "mimxrt": Case(
        *("mimxrt", "mimxrt", "ports/mimxrt/flash.c", "ports/mimxrt"),
        ('-DBOARD_FLASH_OPS_HEADER_H="flexspi.h"',),
        *((0x180000, 0x80000), (0x80000, 4096, 256, 1)),
        {
            "__flash_start": 0x60000000,
            "__FLASH_DATA_END": 0x6006A000,
            "__vfs_start": 0x60100000,
            "__vfs_end": 0x60180000,
        },
    ),
    "nrf52840": Case(
        *("nrf", "nrf", "", "ports/nrf"),
        ("-DNRF52_SERIES", "-DMICROPY_HW_ENABLE_INTERNAL_FLASH_STORAGE=1"),
        *((0xC0000, 0x30000), (0x30000, 4096, 256, 4)),
        {"_unused_flash_start": 0x4A6E4, "_fs_start": 0xF0000, "_fs_end": 0x100000},
    ),
}


INCLUDES = (HERE, HERE / "stubs", FIRMWARE_DIR, FIRMWARE_DIR / "core", BLOB_INCLUDE_DIR)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Compile what no back end changes."""
    if shutil.which("gcc") is None or platform.machine() != "x86_64":
        pytest.skip("needs gcc, and a machine that can map any address below 2 GB (x86-64)")
    out = tmp_path_factory.mktemp("store")
    core = [
        path for room in ("base", "store") for path in (FIRMWARE_DIR / "core" / room).glob("*.c")
    ]
    run("gcc", *FLAGS, *(f"-I{p}" for p in INCLUDES), "-c", HERE / "main.c", *core, cwd=out)
    return sorted(out.glob("*.o"))


def build(case: Case, source: Path, out: Path, store: list[Path], region: tuple[int, int]) -> Path:
    flags = [*FLAGS, *case.flags, *(f"-I{p}" for p in (*INCLUDES, source / case.port, source))]
    flags += [f"-DXN_USER_FLASH_START={region[0]:#x}", f"-DXN_USER_FLASH_BYTES={region[1]:#x}"]
    ours = [FLASH / f"{case.name}.c", HERE / f"vendor_{case.vendor}.c", HERE / "chip.c"]
    run("gcc", *flags, "-c", *ours, cwd=out)
    if case.upstream:  # it is not ours to warn about
        run("gcc", *flags, "-w", "-c", source / case.upstream, "-o", out / "upstream.o", cwd=out)
    symbols = [f"-Wl,--defsym={name}={value:#x}" for name, value in case.symbols.items()]
    run("gcc", *FLAGS, "-no-pie", *symbols, *store, *out.glob("*.o"), "-o", out / "store", cwd=out)
    return out / "store"


def run(*command: object, cwd: Path | None = None) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", CASES)
def test_the_store_works_on_it(name: str, release: str, tmp_path: Path, store: list[Path]) -> None:
    case = CASES[name]
    program = build(case, release_source(release), tmp_path, store, case.region)
    assert run(program).split() == [*map(str, case.geometry), "ok"]


@pytest.mark.parametrize(
    ("start", "n"),
    [
        (0x08104000, 0x20000),  # three sectors of 16 KB, one of 64 KB
        (0x08120000, 0x30000),  # ends within a sector
        (0x08130000, 0x20000),  # begins within one
        (0x081E0000, 0x40000),  # longer than the flash
    ],
)
def test_a_region_of_unequal_sectors_is_refused(
    start: int, n: int, tmp_path: Path, store: list[Path]
) -> None:
    program = build(CASES["stm32f427"], release_source("pinned"), tmp_path, store, (start, n))
    assert re.search(r"board's sector is no power of two from 1024 on: 0$", run(program, "refuse"))


@pytest.mark.parametrize(
    ("name", "region", "until"),
    [
        ("stm32h743", (0x08060000, 0x20000), 0x08064100),  # the end of what .data is copied from
        ("stm32h743", (0x08000000, 0x20000), 0x08064100),
        ("stm32h743", (0x080E0000, 0x40000), 0x08100000),  # files
        ("stm32f427", (0x08080000, 0x40000), 0x08084100),
        ("stm32f427", (0x08020000, 0x20000), 0x08084100),
        ("stm32f427", (0x08004000, 0xC000), 0x08020000),  # files in a hole of the firmware
        ("stm32f427", (0x08000000, 0x4000), 0x08004000),  # what is before the hole
        ("mimxrt", (0x69000, 0x1000), 0x6A000),
        ("mimxrt", (0xFF000, 0x2000), 0x180000),
        ("nrf52840", (0x4A000, 0x1000), 0x4A6E4),
        ("nrf52840", (0x0, 0x1000), 0x4A6E4),
        ("nrf52840", (0xEF000, 0x2000), 0x100000),
        ("stm32_qspi_with_files", (0x7FF000, 0x2000), 0x800000),
    ],
)
def test_a_region_with_firmware_or_files_in_it_is_refused(
    name: str, region: tuple[int, int], until: int, tmp_path: Path, store: list[Path]
) -> None:
    program = build(CASES[name], release_source("pinned"), tmp_path, store, region)
    told = f"board's region holds firmware or files up to {until}\n"
    assert run(program, "refuse").endswith(told)


def test_every_back_end_is_tested() -> None:
    told = {case.name for case in CASES.values()}
    assert told | {"ram"} == {path.stem for path in FLASH.glob("*.c")}
