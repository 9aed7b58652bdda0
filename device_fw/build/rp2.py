"""Build the boards of MicroPython's ports/rp2, by its own build, with our module.

What upstream brings as submodules comes from Debian's packages: the Pico SDK, TinyUSB, mbedTLS.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from device_fw.boards import BOARDS_DIR
from device_fw.build.debian import PrivateApt, run_tool
from device_fw.build.fetch_micropython import (
    MICROPYTHON_DATE,
    MICROPYTHON_VERSION,
    micropython_source,
)
from device_fw.build.folders import build_dir, publish
from device_fw.build.ninja import Tick, ninja_program, run_ninja
from device_fw.build.uf2 import uf2_blocks
from device_fw.errors import CompileError, FirmwareError

__all__ = ["build_rp2", "rp2_boards", "rp2_sources"]

RP2_BOARDS_DIR = BOARDS_DIR.parent / "ports" / "rp2" / "boards"

# Names of Debian's packages, if a program is missing.
_PROGRAMS = {
    "cmake": "cmake",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "make": "make",
    "gcc": "gcc libc6-dev",
}
_FLASH_BASE = 0x10000000
_FAMILIES = {"rp2040": 0xE48BFF56, "rp2350": 0xE48BFF59}
_PARTS = (
    "py",
    "extmod",
    "drivers",
    "shared",
    "lib",
    "tools",
    "mpy-cross",
    "ports/rp2",
)  # of MicroPython


def rp2_boards() -> list[str]:
    """Return the names of the boards, sorted."""
    return sorted(path.name for path in RP2_BOARDS_DIR.iterdir() if path.is_dir())


def build_rp2(board: str, out_dir: Path, tick: Tick) -> Path:
    """Build a board's firmware.

    Args:
        board: one of `rp2_boards()`.
        out_dir: gets `<board>.elf` and `<board>.uf2`, and a folder with what they are made from.
        tick: told how far it is.

    Returns:
        The ELF file; the UF2 is beside it.

    Raises:
        FirmwareError: a program or a source is missing, a tool failed, or the firmware reaches
            into the store.
    """
    missing = {package for name, package in _PROGRAMS.items() if shutil.which(name) is None}
    if missing:
        raise FirmwareError(f"{board} needs Debian's packages {' '.join(sorted(missing))}")
    from filelock import FileLock

    work = out_dir.resolve() / board
    work.mkdir(parents=True, exist_ok=True)
    build_dir().mkdir(parents=True, exist_ok=True)
    with FileLock(build_dir() / "rp2.lock"):  # of all boards: they share their sources
        return _build(board, work, tick)


def _build(board: str, work: Path, tick: Tick) -> Path:
    home, settings = rp2_sources(), _settings(board)
    _configure(board, home, work)
    run_ninja(work / "build.ninja", work, tick, _version())
    image = (work / "firmware.bin").read_bytes()
    most = int(settings["XN_RP2_STORE_OFFSET"], 0)
    if len(image) > most:
        raise FirmwareError(
            f"{board}: the firmware must be below the store: at most {most} bytes; is {len(image)}"
        )
    elf = work.with_suffix(".elf")
    shutil.copyfile(work / "firmware.elf", elf)
    family = _FAMILIES[settings["PICO_PLATFORM"].strip('"')]
    elf.with_suffix(".uf2").write_bytes(uf2_blocks(image, _FLASH_BASE, family))
    return elf


def _version() -> dict[str, str]:
    """Return what upstream's build and GCC take instead of git and of today's date."""
    date = datetime.fromisoformat(MICROPYTHON_DATE).replace(tzinfo=UTC)
    return {
        "MICROPY_GIT_TAG": f"v{MICROPYTHON_VERSION}",
        "MICROPY_GIT_HASH": "",
        "SOURCE_DATE_EPOCH": str(int(date.timestamp())),
    }


def _settings(board: str) -> dict[str, str]:
    """Read the values that a board's mpconfigboard.cmake sets."""
    text = (RP2_BOARDS_DIR / board / "mpconfigboard.cmake").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    sets = [line[4:-1].split(None, 1) for line in lines if line.startswith("set(")]
    return {words[0]: words[1] for words in sets if len(words) == 2}


def rp2_sources() -> Path:
    """Return the folder of all sources, brought if they are missing."""
    home = build_dir() / "rp2"
    if not home.is_dir():
        _bring(home)
    return home


def _bring(home: Path) -> None:
    import tarfile

    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".fetch-") as name:
        scratch = Path(name)
        made = scratch / "rp2"
        tree = made / "micropython"
        for part in _PARTS:
            shutil.copytree(micropython_source() / part, tree / part)
        (scratch / "apt").mkdir()
        apt = PrivateApt(scratch / "apt")
        for package in ("pico-sdk-source", "tinyusb-source"):
            run_tool(["dpkg", "-x", str(apt.package(package)), str(scratch / "unpacked")], None)
        unpacked = scratch / "unpacked" / "usr" / "src"
        (unpacked / "pico-sdk").rename(made / "pico-sdk")
        with tarfile.open(apt.source("mbedtls")) as tar:
            tar.extractall(scratch / "mbedtls", filter="data")
        for library, source in (
            ("tinyusb", unpacked / "tinyusb"),
            ("mbedtls", next((scratch / "mbedtls").iterdir())),
        ):
            shutil.rmtree(tree / "lib" / library, ignore_errors=True)
            source.rename(tree / "lib" / library)
        publish(made, home)


def _configure(board: str, home: Path, work: Path) -> None:
    command = [
        *("cmake", "-S", str(home / "micropython" / "ports" / "rp2"), "-B", str(work)),
        *("-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja_program()}", "-DPICO_NO_PICOTOOL=1"),
        f"-DPICO_SDK_PATH_OVERRIDE={home / 'pico-sdk'}",
        *(f"-DMICROPY_BOARD={board}", f"-DMICROPY_BOARD_DIR={RP2_BOARDS_DIR / board}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CompileError(f"configuring {board}", command, done.stderr[-4000:])
