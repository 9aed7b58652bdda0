"""The plain bytes of an STM32's flash: what a debugger's drive takes."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from device_fw.boards import load_board
from device_fw.build import firmware_path
from device_fw.build.flat import firmware_digest, flat_image

pytestmark = pytest.mark.sim

BOARD = "nucleo_f446re"
FLASH, LOG, LOG_END = 0x08000000, 0x4000, 0xC000  # what the store has of the first sectors


def test_it_is_what_the_chip_starts_with() -> None:
    elf, board = firmware_path(BOARD), load_board(BOARD)
    image = elf.with_suffix(".bin").read_bytes()
    assert image == flat_image(elf)
    stack, start = struct.unpack_from("<2I", image)
    assert board.memory["stack"].origin < stack < board.memory["data"].origin
    assert start & 1
    assert FLASH + LOG_END <= start < FLASH + len(image)
    assert len(image) <= 128 << 10
    assert f"{BOARD}\0".encode() in image


def test_nothing_is_where_the_log_is() -> None:
    image = firmware_path(BOARD).with_suffix(".bin").read_bytes()
    assert image[LOG:LOG_END] == b"\xff" * (LOG_END - LOG)


def test_it_holds_every_section_of_the_firmware() -> None:
    elf = firmware_path(BOARD)
    image = flat_image(elf)
    with elf.open("rb") as file:
        for name in (".vectors", ".ram_code", ".text", ".data"):
            section = ELFFile(file).get_section_by_name(name)
            assert section is not None
            assert section.data() in image


def test_the_digest_is_of_what_is_its_own(tmp_path: Path) -> None:
    elf = firmware_path(BOARD)
    image = flat_image(elf)
    assert firmware_digest(elf) == hashlib.sha256(image[:8] + image[LOG_END:]).digest()
    plain = tmp_path / "plain.bin"
    plain.write_bytes(image)
    assert firmware_digest(plain) == hashlib.sha256(image).digest()
