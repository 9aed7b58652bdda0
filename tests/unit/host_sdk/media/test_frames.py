"""Clips as arrays."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from host_sdk.errors import ImageError, ToolMissingError
from host_sdk.media.frames import Clip, fit_frame

RNG = np.random.default_rng(1)
GRAY = RNG.integers(0, 256, (4, 6), np.uint8)
COLOUR = RNG.integers(0, 256, (4, 6, 3), np.uint8)


def test_pictures_come_by_their_names(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "b.png")
    Image.fromarray(GRAY).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("no picture")
    clip = Clip(tmp_path)
    for _ in range(2):  # each iteration begins at the first
        first, second = clip
        assert np.array_equal(first, GRAY)
        assert np.array_equal(second, COLOUR)
    assert clip.rate_hz == 10


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        Clip(tmp_path / "missing")
    with pytest.raises(ImageError, match="no picture"):
        Clip(tmp_path)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ImageError, match="cannot be read"):
        Clip(tmp_path)


def test_a_video_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mp4").write_bytes(b"video")

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ToolMissingError, match=r"xipnet\[video\]"):
        Clip(tmp_path / "a.mp4")


def test_a_video_is_read_by_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.mp4").write_bytes(b"video")
    library = SimpleNamespace(
        immeta=lambda path, plugin: {"fps": 25.0}, imiter=lambda path, plugin: iter([COLOUR])
    )
    monkeypatch.setattr(importlib, "import_module", lambda name: library)
    clip = Clip(tmp_path / "a.mp4")
    assert clip.rate_hz == 25
    assert [frame.tolist() for frame in clip] == [COLOUR.tolist()]


def test_a_frame_of_the_size_keeps_its_pixels() -> None:
    assert np.array_equal(fit_frame(COLOUR, 4, 6, 3), COLOUR)
    assert np.array_equal(fit_frame(GRAY, 4, 6, 1)[:, :, 0], GRAY)
    assert np.array_equal(fit_frame(GRAY, 4, 6, 3), np.stack([GRAY] * 3, axis=2))


def test_of_another_aspect_ratio_the_middle_is_taken() -> None:
    wide = np.zeros((4, 12), np.uint8)
    wide[:, 4:8] = 200
    assert (fit_frame(wide, 4, 4, 1) == 200).all()
