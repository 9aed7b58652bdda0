"""Folders that several processes make at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from device_fw.build.folders import publish


def made(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "file").write_text(text)
    return folder


def test_the_first_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    publish(made(tmp_path / "a", "first"), home)
    publish(made(tmp_path / "b", "second"), home)
    assert (home / "file").read_text() == "first"


def test_what_cannot_be_moved_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="home"):
        publish(made(tmp_path / "a", "first"), tmp_path / "missing" / "home")
