"""dfu-util, played by a program of that name."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import pytest

from host_sdk.errors import BootloaderError
from host_sdk.flashing.dfu_util import DfuDevice, find_dfu_devices
from host_sdk.flashing.image import FirmwareImage, read_image
from host_sdk.flashing.known_boards import known_board
from tests.unit.host_sdk.flashing.images import F446, PICO, stm32, written

LOG = b"old " * (0x8000 // 4)

# What dfu-util 0.11 prints of an STM32F446.
LIST = """\
dfu-util 0.11

Found DFU: [0483:df11] ver=2200, devnum=12, cfg=1, intf=0, path="1-2", alt=3, name="@Device \
Feature/0xFFFF0000/01*004 e", serial="358835983237"
Found DFU: [0483:df11] ver=2200, devnum=12, cfg=1, intf=0, path="1-2", alt=0, name="@Internal \
Flash  /0x08000000/04*016Kg,01*064Kg,03*128Kg", serial="358835983237"
Found DFU: [1d50:6017] ver=0001, devnum=9, cfg=1, intf=0, path="1-3", alt=0, name="x", serial="7"
"""

PROGRAM = """\
#!{python}
import pathlib, sys
here = pathlib.Path(__file__).parent
words = sys.argv[1:]
if words == ["-l"]:
    print({list!r}, end="")
    sys.exit()
assert words[:6] == ["-d", "0483:df11", "-a", "0", "-S", "358835983237"], words
where, way, file = words[7:]
with (here / "log").open("a") as log:
    print(where, way, file=log)
flash = here / "flash"
at = int(where.split(":")[0], 16) - 0x08000000
now = bytearray(flash.read_bytes())
if way == "-D":
    data = pathlib.Path(file).read_bytes()
    now[at:at + len(data)] = data
    flash.write_bytes(now)
    print("Download\\t[====     ]  40%", end="\\r")
    print("Download\\t[=========] 100%")
else:
    size = int(where.split(":")[1])
    pathlib.Path(file).write_bytes((here / "rot").read_bytes()[:size] if (here / "rot").exists()
                                   else now[at:at + size])
if (here / "fail").exists():
    print("dfu-util: Last page is not writeable\\x1b[2J")
    sys.exit(74)
"""


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "dfu-util"
    program.write_text(PROGRAM.format(python=sys.executable, list=LIST))
    program.chmod(0o755)
    (tmp_path / "flash").write_bytes(b"old " * (1 << 17))
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    return tmp_path


@pytest.fixture
def image(tmp_path: Path) -> FirmwareImage:
    return read_image(written(tmp_path, "x.bin", stm32()))


def device() -> DfuDevice:
    [found] = find_dfu_devices()
    return found


def test_a_chip_is_found_by_its_flash(bench: Path) -> None:
    assert device() == DfuDevice("358835983237", "0", "/0x08000000/04*016Kg,01*064Kg,03*128Kg")
    assert device().fits(F446)
    assert not device().fits(PICO)
    assert device().fits(known_board("nucleo_f401re"))  # DFU does not tell them apart


def test_none_is_found_without_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert list(find_dfu_devices()) == []


def test_it_is_written_read_back_and_started(bench: Path, image: FirmwareImage) -> None:
    seen: list[tuple[int, int]] = []
    said = device().write(image, lambda done, total: seen.append((done, total)))
    size = len(image.contents)
    assert said == f"{size - 0x8000:,} bytes read back"
    # The store's log stays: sectors 1 and 2.
    low, high = image.contents[:0x4000], image.contents[0xC000:]
    assert (bench / "flash").read_bytes()[:size] == low + LOG + high
    assert device().lost(image) == "sectors 0, 3 of the flash; the others stay"
    assert {total for _, total in seen} == {400}
    assert (bench / "log").read_text().splitlines() == [
        "0x08000000 -D",
        "0x0800c000 -D",
        f"0x0800c000:{size - 0xC000} -U",
        "0x08000000:16384:leave -U",
    ]


def test_a_layout_is_read_however_it_is_written(bench: Path) -> None:
    assert not dataclasses.replace(device(), layout="/0x08000000/04*016Kg,01*064Kg").fits(F446)
    assert not dataclasses.replace(device(), layout="/0x08000000/99999999*1Kg").fits(F446)
    l475 = DfuDevice("1", "0", "/0x08000000/512*0002Kg")
    assert l475.fits(known_board("disco_l475"))
    assert not l475.fits(F446)


def test_other_bytes_are_found(bench: Path, image: FirmwareImage) -> None:
    (bench / "rot").write_bytes(bytes(1 << 19))
    with pytest.raises(BootloaderError, match="not what was written"):
        device().write(image, lambda done, total: None)


def test_its_words_are_shown_when_it_fails(bench: Path, image: FirmwareImage) -> None:
    (bench / "fail").touch()
    with pytest.raises(BootloaderError, match=r"ended with 74: .*not writeable\\x1b"):
        device().write(image, lambda done, total: None)
