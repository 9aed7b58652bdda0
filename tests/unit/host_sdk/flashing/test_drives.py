"""Drives of boot loaders and debuggers, played by folders."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from host_sdk.errors import BootloaderError
from host_sdk.flashing import drives
from host_sdk.flashing.image import read_image
from host_sdk.flashing.known_boards import known_board
from tests.unit.host_sdk.flashing.images import F446, PICO, BootDrive, stm32, uf2, written


@pytest.fixture
def media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    monkeypatch.setattr(drives, "mounted", lambda: sorted(folder.iterdir()))
    return folder


def st_link(folder: Path) -> Path:
    folder.mkdir()
    (folder / "MBED.HTM").touch()
    return folder


def test_drives_are_told_by_what_is_on_them(media: Path) -> None:
    (media / "NODE_F446RE").mkdir()  # a stick of that name
    (media / "CAMERA").mkdir()
    BootDrive(media / "other", "SAMD21")
    assert list(drives.find_drives()) == []
    BootDrive(media / "RPI-RP2", takes=False)
    st_link(media / "NOD_F446RE")
    stlink, boot = drives.find_drives()
    assert boot.fits(PICO)
    assert not boot.fits(known_board("pico2"))
    assert stlink.fits(F446)
    assert not stlink.fits(known_board("nucleo_f411re"))


def test_a_boot_drive_takes_all_blocks(media: Path, tmp_path: Path) -> None:
    image = read_image(written(tmp_path, "pico.uf2", uf2(size=50_000)))
    rom = BootDrive(media / "RPI-RP2")
    [drive] = drives.find_drives()
    seen: list[tuple[int, int]] = []
    assert drive.lost(image) == "the firmware at 0x10000000 to 0x1000c400; flash beyond stays"
    drive.write(image, lambda done, total: seen.append((done, total)))
    assert rom.got == image.contents
    assert seen[-1] == (len(image.contents),) * 2
    assert len(seen) > 3


def test_a_drive_that_stays_is_an_error(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drives, "_GONE_S", 0.2)
    BootDrive(media / "RPI-RP2", takes=False)
    [drive] = drives.find_drives()
    image = read_image(written(tmp_path, "pico.uf2", uf2()))
    with pytest.raises(BootloaderError, match="still waits"):
        drive.write(image, lambda done, total: None)


@contextmanager
def programming(folder: Path, failure: str = "") -> Iterator[Path]:
    """Play an ST-LINK: once the file is there its drive goes, and comes back.

    Yields:
        The drive as it was, once it has gone.
    """
    was, new = (folder.parent.with_name(f"{name}{len(failure)}") for name in ("was", "new"))
    st_link(new)
    if failure:
        (new / "FAIL.TXT").write_text(failure)

    def program() -> None:
        while not (folder / "nucleo_f446re.bin").exists():
            time.sleep(0.01)
        time.sleep(0.2)
        folder.rename(was)
        time.sleep(0.3)
        new.rename(folder)

    thread = threading.Thread(target=program, daemon=True)
    thread.start()
    yield was
    thread.join()


def test_an_st_link_says_what_failed(media: Path, tmp_path: Path) -> None:
    folder = st_link(media / "NODE_F446RE")
    [drive] = drives.find_drives()
    image = read_image(written(tmp_path, "x.bin", stm32()))
    with programming(folder) as was:
        assert drive.write(image, lambda done, total: None) == "the ST-LINK reports no failure"
    assert (was / "nucleo_f446re.bin").read_bytes() == image.contents
    says = r"refused: The interface firmware FAILED\\x1b"
    with (
        programming(folder, "The interface firmware FAILED\x1b[2J"),
        pytest.raises(BootloaderError, match=says),
    ):
        drive.write(image, lambda done, total: None)


def test_an_st_link_whose_drive_stays_is_not_waited_for_long(
    media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drives, "_ST_LINK_S", 0.2)
    folder = st_link(media / "NODE_F446RE")
    [drive] = drives.find_drives()
    image = read_image(written(tmp_path, "x.bin", stm32()))
    drive.write(image, lambda done, total: None)
    assert (folder / "nucleo_f446re.bin").read_bytes() == image.contents


def test_a_board_that_is_unplugged_is_said(media: Path, tmp_path: Path) -> None:
    drive = drives.StLinkDrive(media / "gone", F446)
    image = read_image(written(tmp_path, "x.bin", stm32()))
    with pytest.raises(BootloaderError, match="unplugged"):
        drive.write(image, lambda done, total: None)
