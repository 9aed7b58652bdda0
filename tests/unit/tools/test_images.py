"""The folder of images for a page of releases."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from host_sdk.errors import FirmwareFileError
from host_sdk.flashing.known_boards import known_board, known_boards
from tests.unit.host_sdk.flashing.images import stm32, uf2
from tools import images


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Play the build: small images that call themselves what the boards do."""
    folder = tmp_path / "built"
    folder.mkdir()
    for board in known_boards().values():
        made = uf2(board) if board.chip.uf2_family else stm32(board, stack=0x20010000)
        (folder / board.image).write_bytes(made)
    monkeypatch.setattr(images, "firmware_path", lambda name: folder / f"{name}.elf")
    return folder


def test_images_come_with_their_sums(built: Path, tmp_path: Path) -> None:
    out = tmp_path / "images"
    assert images.main(str(out)) == 0
    lines = (out / "SHA256SUMS").read_text().splitlines()
    assert len(lines) == len(known_boards())
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
        assert digest in (out / "IMAGES.md").read_text()
        assert digest in (out / f"{name}.cdx.json").read_text()
    assert "| Raspberry Pi Pico | rp2040 | tested (rp2040py) |" in (out / "IMAGES.md").read_text()


def test_an_image_of_another_board_is_not_released(built: Path, tmp_path: Path) -> None:
    (built / "pico.uf2").write_bytes((built / "pico2.uf2").read_bytes())
    with pytest.raises(FirmwareFileError, match="must be a firmware of Raspberry Pi Pico;"):
        images.make_image(known_board("pico"), tmp_path)
