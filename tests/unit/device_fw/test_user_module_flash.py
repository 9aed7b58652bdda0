"""The user module's makefiles: a flash by name, objects that follow their flags."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from device_fw.build.sources import FIRMWARE_DIR

FOLDER = FIRMWARE_DIR / "micropython"
NAMES = ["ram", "rp2", "stm32_internal", "stm32_qspi", "mimxrt", "nrf"]

# What py/py.mk and a port's Makefile do with a module's file.
MAKEFILE = """
all:
BUILD ?= build
USERMOD_DIR := {folder}
USER_C_MODULES := {firmware}
include {folder}/micropython.mk
OBJECTS := $(addprefix $(BUILD)/,$(patsubst $(USER_C_MODULES)/%.c,%.o,\\
\t$(SRC_USERMOD_C) $(SRC_USERMOD_LIB_C)))
all: $(OBJECTS)
$(BUILD)/%.o: $(USER_C_MODULES)/%.c
\t@mkdir -p $(@D)
\t@echo $(CFLAGS_USERMOD) > $@
\t@echo CC $*
"""
CMAKE_LISTS = """
cmake_minimum_required(VERSION 3.20)
project(port NONE)
add_library(usermod INTERFACE)
include({folder}/micropython.cmake)
get_target_property(sources usermod_xipnet INTERFACE_SOURCES)
message(NOTICE "${{sources}}")
"""


class Port:
    """A folder in which the module is built by make or configured by CMake."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = {"folder": FOLDER, "firmware": FIRMWARE_DIR}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        if shutil.which(words[0]) is None:
            pytest.skip(f"needs {words[0]}")
        return subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False)

    def make(self, *settings: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "Makefile").write_text(MAKEFILE.format(**self.paths), encoding="utf-8")
        return self.run("make", *settings)

    def cmake(self, *settings: str) -> subprocess.CompletedProcess[str]:
        lists = self.folder / "CMakeLists.txt"
        lists.write_text(CMAKE_LISTS.format(**self.paths), encoding="utf-8")
        return self.run("cmake", "-B", "build", *settings, ".")

    def compiled(self, *settings: str) -> set[str]:
        done = self.make(*settings)
        assert done.returncode == 0, done.stderr
        return set(re.findall(r"^CC (\S+)$", done.stdout, re.M))


@pytest.fixture
def port(tmp_path: Path) -> Port:
    return Port(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_chooses_one_file(port: Port, name: str) -> None:
    made = port.compiled(f"XIPNET_FLASH={name}")
    flash = {path for path in made if path.startswith("ports/")}
    assert len(flash) == 1
    assert (FIRMWARE_DIR / f"{flash.copy().pop()}.c").is_file()
    configured = port.cmake(f"-DXIPNET_FLASH={name}")
    assert configured.returncode == 0, configured.stderr
    assert set(re.findall(r"(ports/[\w/]+)\.c", configured.stderr)) == flash


def test_every_file_has_a_name() -> None:
    text = (FOLDER / "micropython.mk").read_text(encoding="utf-8")
    named = re.findall(r"^XIPNET_FLASH_(\w+) := (\S+)$", text, re.M)
    assert [name for name, _ in named] == NAMES
    files = {f"ports/flash/{path.name}" for path in (FIRMWARE_DIR / "ports" / "flash").glob("*.c")}
    assert files <= {path for _, path in named}


def test_the_module_is_without_what_locks_a_board(port: Port) -> None:
    made = port.compiled()
    assert "core/store/xn_store" in made
    assert not any("core/trust/" in name for name in made)
    assert "/core/trust/" not in port.cmake().stderr


def test_an_unknown_name_lists_the_names(port: Port) -> None:
    wanted = r"one of\s+ram, rp2, stm32_internal, stm32_qspi,\s+mimxrt,\s+nrf; is esp32"
    for done in (port.make("XIPNET_FLASH=esp32"), port.cmake("-DXIPNET_FLASH=esp32")):
        assert done.returncode != 0
        assert re.search(wanted, done.stderr), done.stderr


def test_memory_says_that_it_forgets(port: Port) -> None:
    words = "the store is in RAM, and empty after each reset"
    assert words in port.make().stdout
    assert words in port.cmake().stderr
    assert words not in port.make("XIPNET_FLASH=nrf").stdout


def test_changed_flags_compile_our_files_again(port: Port) -> None:
    flags = "XIPNET_CFLAGS=-DXN_FRAME_MAX=1024 -DNAME='\"quoted\"'"
    made = port.compiled(flags)
    assert "core/store/xn_store" in made
    assert port.compiled(flags) == set()
    assert port.compiled("XIPNET_CFLAGS=-DXN_FRAME_MAX=2048") == made
    assert port.compiled("XIPNET_CFLAGS=-DXN_FRAME_MAX=2048") == set()
    assert port.compiled() == made
    other = made - port.compiled("XIPNET_FLASH=nrf")
    assert "core/store/xn_store" in other  # the flags are the same
