"""STM32's UART boot loader, played by a chip at a pseudo-terminal."""

from __future__ import annotations

import functools
import operator
import os
import threading
import tty
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import serial

from host_sdk.errors import BootloaderError
from host_sdk.flashing import an3155
from host_sdk.flashing.an3155 import UartBootloader
from host_sdk.flashing.image import FirmwareImage, read_image
from host_sdk.flashing.known_boards import known_board
from tests.unit.host_sdk.flashing.images import F446, stm32, written

FLASH = 0x08000000
ACK, NACK = b"\x79", b"\x1f"


class Chip(threading.Thread):
    """A chip in its boot loader.

    Attributes:
        flash: 512 KiB.
        refuses: commands that get a NACK.
        rots: address whose lowest bit is stuck.
        started: the address of Go, which ends the boot loader.
        dies: at the first Write.
    """

    def __init__(self, fd: int, chip_id: int) -> None:
        super().__init__(daemon=True)
        self.fd, self.chip_id = fd, chip_id
        self.flash = bytearray(b"old!" * (128 << 10))
        self.refuses: set[int] = set()
        self.rots: int | None = None
        self.started: int | None = None
        self.dies = False

    def run(self) -> None:
        try:
            while self.take(1) != b"\x7f":
                pass
            self.put(ACK)
            while self.started is None:
                self.command()
        except OSError:
            return

    def command(self) -> None:
        number, inverse = self.take(2)
        assert number ^ inverse == 0xFF
        if number in self.refuses:
            self.put(NACK)
            return
        self.put(ACK)
        match number:
            case 0x02:
                self.put(b"\x01" + self.chip_id.to_bytes(2, "big") + ACK)
            case 0x11:
                at = self.address()
                size, inverse = self.take(2)
                assert size ^ inverse == 0xFF
                self.put(ACK + bytes(self.flash[at : at + size + 1]))
            case 0x21:
                self.started = FLASH + self.address()
            case 0x31:
                self.write()
            case 0x44:
                self.erase()

    def write(self) -> None:
        if self.dies:
            raise OSError
        at = self.address()
        count = self.take(1)
        data = self.take(count[0] + 1)
        self.check(count + data)
        assert len(data) % 4 == 0
        for i, byte in enumerate(data, at):
            assert self.flash[i] == 0xFF, "written without an erase"
            self.flash[i] = byte & ~(i == self.rots)
        self.put(ACK)

    def erase(self) -> None:
        count = self.take(2)
        numbers = self.take(2 * (int.from_bytes(count, "big") + 1))
        self.check(count + numbers)
        sizes = F446.chip.sectors
        for i in range(0, len(numbers), 2):
            number = int.from_bytes(numbers[i : i + 2], "big")
            first = sum(sizes[:number])
            self.flash[first : first + sizes[number]] = b"\xff" * sizes[number]
        self.put(ACK)

    def address(self) -> int:
        data = self.take(4)
        self.check(data)
        self.put(ACK)
        return int.from_bytes(data, "big") - FLASH

    def check(self, data: bytes) -> None:
        assert self.take(1)[0] == functools.reduce(operator.xor, data)

    def take(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += os.read(self.fd, size - len(data))
        return data

    def put(self, data: bytes) -> None:
        os.write(self.fd, data)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, str]]:
    monkeypatch.setattr(an3155, "_PARITY", serial.PARITY_NONE)  # a pseudo-terminal has none
    leader, follower = os.openpty()
    tty.setraw(leader)
    tty.setraw(follower)
    yield leader, os.ttyname(follower)
    os.close(follower)
    os.close(leader)


@pytest.fixture
def chip(line: tuple[int, str]) -> Chip:
    chip = Chip(line[0], F446.chip.id)
    chip.start()
    return chip


@pytest.fixture
def image(tmp_path: Path) -> FirmwareImage:
    return read_image(written(tmp_path, "x.bin", stm32()))


def nothing(done: int, total: int) -> None:
    pass


def test_sectors_with_bytes_are_written_and_the_others_stay(
    line: tuple[int, str], chip: Chip, image: FirmwareImage
) -> None:
    seen: list[tuple[int, int]] = []
    with closing(UartBootloader(line[1])) as loader:
        assert loader.fits(F446)
        assert not loader.fits(known_board("nucleo_f411re"))
        assert loader.lost(image) == "sectors 0, 3 of the flash; the others stay"
        said = loader.write(image, lambda done, total: seen.append((done, total)))
    assert said == "20,387 bytes read back"
    size = len(image.contents)
    assert chip.flash[:0x4000] == image.contents[:0x4000]
    assert chip.flash[0x4000:0xC000] == b"old!" * 0x2000
    assert chip.flash[0xC000:size] == image.contents[0xC000:]
    chip.join(5)
    assert chip.started == FLASH
    assert seen[-1] == (2 * 20387, 2 * 20387)


def test_bytes_that_do_not_stay_are_found(
    line: tuple[int, str], chip: Chip, image: FirmwareImage
) -> None:
    chip.rots = 0xC003
    assert image.contents[0xC003] & 1 == 0  # "h" ends the first word with its low bit clear
    chip.rots = 0xC001
    with (
        closing(UartBootloader(line[1])) as loader,
        pytest.raises(BootloaderError, match="0x0800c000 is not what was written"),
    ):
        loader.write(image, nothing)
    assert chip.started is None


def test_a_protected_chip_refuses(line: tuple[int, str], chip: Chip, image: FirmwareImage) -> None:
    chip.refuses = {0x44}
    with (
        closing(UartBootloader(line[1])) as loader,
        pytest.raises(BootloaderError, match="refuses to erase: is its flash protected"),
    ):
        loader.write(image, nothing)


def test_silence_and_noise_are_said(line: tuple[int, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(an3155, "_ANSWER_S", 0.05)
    with pytest.raises(BootloaderError, match=r"\(got nothing\): set BOOT0 high"):
        UartBootloader(line[1])
    monkeypatch.setattr(an3155, "_ANSWER_S", 5.0)
    os.read(line[0], 1)
    thread = threading.Thread(target=lambda: (os.read(line[0], 1), os.write(line[0], b">")))
    thread.start()
    with pytest.raises(BootloaderError, match=r"\(got 3e\)"):
        UartBootloader(line[1])
    thread.join()


def test_a_chip_that_falls_silent_is_said(
    line: tuple[int, str], chip: Chip, image: FirmwareImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(UartBootloader(line[1])) as loader:
        monkeypatch.setattr(an3155, "_ANSWER_S", 0.05)
        chip.dies = True
        with pytest.raises(BootloaderError, match="to write at 0x08000000: expected an ACK"):
            loader.write(image, nothing)
