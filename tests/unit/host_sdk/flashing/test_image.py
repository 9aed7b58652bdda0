"""Images are read, and refused with the rule, the value and the place."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from device_fw.boards import board_names, virtual_names
from host_sdk.errors import FirmwareFileError, InputError
from host_sdk.flashing.image import read_image
from host_sdk.flashing.known_boards import known_board, known_boards
from tests.unit.host_sdk.flashing.images import F446, PICO, stm32, uf2, written


def test_a_uf2_is_read(tmp_path: Path) -> None:
    image = read_image(written(tmp_path, "pico.uf2", uf2()), PICO)
    [(address, data)] = image.parts
    assert address == 0x10000000
    assert image.size_bytes == len(data) == 5120
    assert data.startswith(b"code" * 1250 + b"Raspberry Pi Pico\0")
    assert image.bytes_at(0x0FFFFFFE, 4) == b"\xff\xffco"


def test_the_longer_name_is_the_board(tmp_path: Path) -> None:
    assert read_image(written(tmp_path, "x.uf2", uf2(known_board("pico2")))).board.name == "pico2"


def test_an_stm32_image_is_read(tmp_path: Path) -> None:
    image = read_image(written(tmp_path, "x.bin", stm32()))
    assert image.board is F446
    assert image.parts[0][0] == 0x08000000


def _changed(at: int, word: int) -> bytes:
    image = bytearray(uf2())
    struct.pack_into("<I", image, at, word)
    return bytes(image)


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (b"", "names none"),
        (b"hello", "must be a firmware of xipnet"),
        (uf2()[:-1], "blocks of 512 bytes; 511 too many"),
        (uf2()[:-512], "block 0: must be 0 of 19; is 0 of 20"),
        (uf2()[512:], "block 0: must be 0 of 19; is 1 of 20"),
        (_changed(512 + 4, 0), "block 1: its magic numbers"),
        (_changed(512 + 508, 0), "block 1: its magic numbers"),
        (_changed(512 + 8, 0), "block 1: must be flash of a family; flags are 0x0"),
        (_changed(512 + 12, 0x10000000), "block 1: addresses must ascend"),
        (_changed(512 + 16, 477), "block 1: 1 to 476 bytes; 477"),
        (_changed(512 + 12, 0xFFFFFFFF), "block 1: 1 to 476 bytes"),
        (_changed(512 + 28, 1), "one family; are of 0x00000001, 0xe48bff56"),
        (uf2(family=0xE48BFF59), r"family must be 0xe48bff56 \(rp2040\); is 0xe48bff59 \(rp2350\)"),
        (uf2(family=7), "another chip"),
        (uf2(F446), "plain bytes, for stm32f446xe"),
        (stm32(stack=0x20020004), "stack must be within 131,072 bytes of RAM"),
        (stm32(stack=0), "stack must be within"),
        (stm32(start=0x08000010), "must start within itself"),
        (stm32(start=0x08080001), "must start within itself"),
        (stm32(PICO), "must be a UF2, for rp2040"),
        (stm32() + bytes(1 << 19), "8 to 524,288 bytes"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, contents: bytes, says: str) -> None:
    with pytest.raises(FirmwareFileError, match=says):
        read_image(written(tmp_path, "x", contents))


def test_another_boards_firmware_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "x", stm32(known_board("nucleo_f411re")))
    with pytest.raises(FirmwareFileError, match=r"must be .* NUCLEO-F446RE; is .* NUCLEO-F411RE"):
        read_image(file, F446)


def test_known_boards_are_whole() -> None:
    for board in known_boards().values():
        assert board.chip.uf2_family or (board.chip.id and board.chip.sectors)
        assert board.image.startswith(board.name)
    with pytest.raises(InputError, match="no board 'nano' to flash; there are pico"):
        known_board("nano")
    assert {*board_names()} <= {*known_boards(), *virtual_names()}


def test_sectors_that_hold_bytes_make_runs(tmp_path: Path) -> None:
    image = read_image(written(tmp_path, "x.bin", stm32()))
    assert [number for number, _, _ in image.sectors()] == [0, 3]
    (first, low), (second, high) = image.runs()
    assert (first, second) == (0x08000000, 0x0800C000)
    assert (low, high) == (image.contents[:0x4000], image.contents[0xC000:])
    longer = image.contents.ljust(0x10000, b"x") + b"y"
    *_, (third, joined) = replace(image, parts=((first, longer),)).runs()
    assert (third, joined) == (second, longer[0xC000:])
