"""WAV files as samples."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from host_sdk.errors import InputError
from host_sdk.media.sound import Sound, read_wav, write_wav


def test_what_was_written_is_read(tmp_path: Path) -> None:
    samples = np.array([-32768, 0, 1, 32767], np.int16)
    write_wav(tmp_path / "a.wav", samples, 16000)
    sound = read_wav(tmp_path / "a.wav")
    assert sound.samples.tolist() == samples.tolist()
    assert sound.rate_hz == 16000


@pytest.mark.parametrize(
    ("channels", "width", "data", "samples"),
    [
        (1, 1, bytes([0, 128, 255]), [-32768, 0, 32512]),
        (2, 2, np.array([100, 200, -4, 6], "<i2").tobytes(), [150, 1]),
    ],
)
def test_other_kinds(
    tmp_path: Path, channels: int, width: int, data: bytes, samples: list[int]
) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(8000)
        file.writeframes(data)
    assert read_wav(tmp_path / "a.wav").samples.tolist() == samples


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_wav(tmp_path / "missing.wav")
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match="no WAV file"):
        read_wav(tmp_path / "a.wav")
    with wave.open(str(tmp_path / "b.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(3)
        file.setframerate(8000)
    with pytest.raises(InputError, match="has 24"):
        read_wav(tmp_path / "b.wav")


def test_another_rate_is_interpolated() -> None:
    sound = Sound(np.array([0, 100, 200, 300], np.int16), 1000)
    assert sound.at_rate(1000) is sound
    assert sound.at_rate(2000).samples.tolist() == [0, 50, 100, 150, 200, 250, 300, 300]
    assert sound.at_rate(500).samples.tolist() == [0, 200]
