"""Sound for demos: WAV files, noise, what others hear, and timelines."""

from __future__ import annotations

import json
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from host_sdk import InputError
from host_sdk.cli.demos import wakeword
from host_sdk.cli.sound.scene import HOP, RATE, read_wav, speak, with_noise
from host_sdk.cli.sound.timeline import Track, draw_timeline
from host_sdk.media.sound import write_wav

TONE = np.round(8000 * np.sin(np.arange(4000) / 5)).astype(np.int16)


def test_a_wav_file_keeps_every_sample(tmp_path: Path) -> None:
    write_wav(tmp_path / "tone.wav", TONE, RATE)
    np.testing.assert_array_equal(read_wav(tmp_path / "tone.wav"), TONE)


def test_a_wav_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with pytest.raises(InputError, match="must be a WAV file"):
        read_wav(path)
    path.write_bytes(b"RIFF" + bytes(20))
    with pytest.raises(InputError, match="must be a WAV file"):
        read_wav(path)
    for channels, rate, frames, message in (
        (2, RATE, 8, "1 channel of 2 bytes at 16000 Hz; .* has 2 of 2 bytes"),
        (1, 8000, 8, "at 8000 Hz"),
        (1, RATE, 0, "not be empty"),
        (1, RATE, 61 * RATE, "up to 60 s"),
    ):
        with wave.open(str(path), "wb") as file:
            file.setparams((channels, 2, rate, 0, "NONE", ""))
            file.writeframes(bytes(2 * channels * frames))
        with pytest.raises(InputError, match=message):
            read_wav(path)


def test_noise_has_the_power_that_was_asked_for() -> None:
    quiet = with_noise(TONE, None)
    assert len(quiet) % HOP == 0
    assert not quiet[:9000].any()
    for level in (20, 0, -5):
        noise = with_noise(TONE, level).astype(float) - quiet
        measured = np.mean(TONE.astype(float) ** 2) / np.mean(noise**2)
        assert 10 * np.log10(measured) == pytest.approx(level, abs=0.2)
    np.testing.assert_array_equal(with_noise(TONE, 0), with_noise(TONE, 0))


def test_without_espeak_ng_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(InputError, match="apt install espeak-ng"):
        speak("hello")
    assert len(wakeword.spoken()) > RATE
    assert "apt install espeak-ng" in capsys.readouterr().out


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeword, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'xipnet\[examples\]'"):
        wakeword.find_model("okay_nabu")


def test_the_package_is_asked_in_a_process_of_its_own(tmp_path: Path) -> None:
    found = json.dumps({"cutoff": 0.5, "means": [0.0, 0.4, 0.6, 0.7]})
    python = tmp_path / "python"
    python.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stdin.buffer.read()\nprint('{found}')\n"
    )
    python.chmod(0o755)
    heard = wakeword.ask_package(TONE, "okay_nabu", str(python))
    assert heard == wakeword.Heard([0.0, 0.4, 0.6, 0.7], [2])
    assert (heard.when, wakeword.Heard([], []).when) == ("90", "-")
    python.write_text(f"#!{sys.executable}\nraise SystemExit('no such model')\n")
    with pytest.raises(InputError, match="must run; no such model"):
        wakeword.ask_package(TONE, "okay_nabu", str(python))


def test_levels_have_names() -> None:
    assert [wakeword.name_of(level) for level in (None, 10, 0, -5)] == [
        *("none", "10 dB below the phrase", "as loud as the phrase", "5 dB above the phrase")
    ]


def test_a_timeline_shows_when_it_fires() -> None:
    sound = with_noise(TONE, None)
    scores = np.linspace(0, 1, len(sound) // HOP).tolist()
    silent = draw_timeline("t", [Track("a", sound, scores, [])], 0.8, 30).convert("RGB")
    fired = draw_timeline("t", [Track("a", sound, scores, [40])], 0.8, 30).convert("RGB")
    colours = {colour for _, colour in fired.getcolors(100) or []}
    assert colours - {colour for _, colour in silent.getcolors(100) or []}
    assert fired.size == (880, 184)
