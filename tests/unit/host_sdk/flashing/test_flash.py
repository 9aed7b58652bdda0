"""All of `xipnet flash`: a drive, and a core that answers once it was written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from host_sdk import Device
from host_sdk.cli import main
from host_sdk.errors import FirmwareFileError, NoResponseError, PortNotFoundError
from host_sdk.flashing import drives, flash
from host_sdk.flashing.image import read_image
from host_sdk.transports import Transport
from host_sdk.transports.core import open_core
from tests.unit.host_sdk.flashing.images import F446, PICO, BootDrive, stm32, uf2, written
from tests.unit.host_sdk.scripted_board import ScriptedBoard


@pytest.fixture
def media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    monkeypatch.setattr(drives, "mounted", lambda: sorted(folder.iterdir()))
    monkeypatch.setattr(flash, "find_dfu_devices", lambda: iter(()))
    return folder


@pytest.fixture
def board() -> Iterator[ScriptedBoard]:
    made = ScriptedBoard()
    yield made
    made.close()


class Slot:
    """For `Device`: a Pico, at a port that is there once the boot drive is gone."""

    def __init__(self, plug: Callable[[], Transport], drive: Path) -> None:
        self.plug, self.drive = plug, drive

    def __call__(self, port: str, **options: Any) -> Device:
        assert port == "/dev/ttyACM7"
        if (self.drive / "INFO_UF2.TXT").exists():
            raise PortNotFoundError(f"{port} cannot be opened")
        device = Device(self.plug(), timeout_s=20)
        said = dataclasses.replace(device.info(), board=PICO.identity)
        device.info = lambda: said  # type: ignore[method-assign]
        return device


def xipnet_flash(*words: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(main, ["flash", *map(str, words)], input=typed)


def test_a_pico_is_flashed(
    media: Path, tmp_path: Path, board: ScriptedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, "pico.uf2", uf2())
    rom = BootDrive(media / "RPI-RP2")
    monkeypatch.setattr(flash, "Device", Slot(lambda: board.transport, rom.folder))
    done = xipnet_flash(file, "--port", "/dev/ttyACM7", typed="y\n")
    assert done.exit_code == 0, done.output
    for text in (
        f"Raspberry Pi Pico (rp2040), boot drive {rom.folder}",
        "5,120 bytes at 0x10000000",
        read_image(file).sha256,
        "flash beyond stays",
        "the boot loader took all blocks",
        "Raspberry Pi Pico (",
    ):
        assert text in done.output
    assert rom.got == file.read_bytes()


def test_nothing_is_written_without_a_yes(media: Path, tmp_path: Path) -> None:
    rom = BootDrive(media / "RPI-RP2")
    refused = xipnet_flash(written(tmp_path, "pico.uf2", uf2()), typed="n\n")
    assert refused.exit_code == 1
    assert rom.got == b""


def test_a_wrong_image_is_refused(media: Path, tmp_path: Path) -> None:
    BootDrive(media / "RP2350", "RP2350", takes=False)
    image = read_image(written(tmp_path, "pico.uf2", uf2()))
    with flash.waiting_boards(None, None) as ways, pytest.raises(FirmwareFileError, match="rp2040"):
        flash.choose(image, ways)
    said = xipnet_flash(written(tmp_path, "x", stm32()), "--board", "pico")
    assert "must be a firmware of Raspberry Pi Pico; is one of NUCLEO-F446RE" in said.output


def test_no_board_and_several_are_told(media: Path, tmp_path: Path) -> None:
    file = written(tmp_path, "pico.uf2", uf2())
    none = xipnet_flash(file)
    assert none.exit_code == 1
    assert "hold BOOTSEL" in none.output
    assert "BOOT0 high" in xipnet_flash("--board", "nucleo_f446re").output
    for name in ("RPI-RP2", "RPI-RP21"):
        BootDrive(media / name, takes=False)
    assert "unplug the others" in xipnet_flash(file).output


def test_a_running_board_that_has_no_boot_loader_at_hand(media: Path, tmp_path: Path) -> None:
    said = xipnet_flash(written(tmp_path, "pico.uf2", uf2()), "--port", "/dev/null")
    assert "/dev/null: cannot be brought into a boot loader from here" in said.output


def test_another_board_at_the_port_is_not_taken(
    board: ScriptedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash, "_START_S", 0.5)
    monkeypatch.setattr(flash, "Device", lambda name, **_: Device(board.transport, timeout_s=20))
    with pytest.raises(NoResponseError, match="does not answer"):
        flash.wait_for_board(F446, "/dev/ttyACM7")


@pytest.mark.parametrize("formats", [False, True])
def test_a_store_of_something_else_is_formatted_if_wanted(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, formats: bool
) -> None:
    foreign = written(tmp_path, "flash.bin", b"littlefs" * (1 << 17))
    rom = BootDrive(media / "RPI-RP2")
    monkeypatch.setattr(flash, "Device", Slot(lambda: open_core(foreign), rom.folder))
    answers = f"y\n{'ny'[formats]}\n"
    done = xipnet_flash(
        written(tmp_path, "pico.uf2", uf2()), "--port", "/dev/ttyACM7", typed=answers
    )
    assert done.exit_code == (0 if formats else 1), done.output
    assert "Format it?" in done.output
    assert foreign.read_bytes().startswith(b"littlefs") != formats
