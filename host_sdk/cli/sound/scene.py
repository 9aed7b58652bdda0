"""Sound for a demo: phrases, spoken or from a file, with noise."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from host_sdk.errors import InputError

Sound: TypeAlias = npt.NDArray[np.int16]

RATE = 16_000
HOP = 480  # samples that a run takes in: 30 ms
PEAK = 8000  # of a phrase
_BEFORE_S, _BEHIND_S = 0.6, 0.9
_VOICE, _WORDS_A_MINUTE = "en-gb", 160
_MOST_S = 60


def read_wav(path: Path) -> Sound:
    """Read 16-bit sound of one channel at 16 kHz.

    Raises:
        InputError: the file is something else, or longer than a minute.
    """
    try:
        with wave.open(str(path), "rb") as file:
            seen = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(_MOST_S * RATE + 1)
    except (OSError, EOFError, wave.Error) as error:
        raise InputError(f"sound must be a WAV file; {path}: {error}") from error
    if seen != (1, 2, RATE):
        raise InputError(
            f"sound must have 1 channel of 2 bytes at {RATE} Hz; {path} has {seen[0]} of {seen[1]} "
            f"bytes at {seen[2]} Hz"
        )
    if not 2 <= len(data) <= 2 * _MOST_S * RATE:
        raise InputError(f"sound must last up to {_MOST_S} s, and not be empty; {path} does not")
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)


def speak(text: str) -> Sound:
    """Have espeak-ng speak.

    Raises:
        InputError: there is no espeak-ng here, or it does not speak.
    """
    if shutil.which("espeak-ng") is None:
        raise InputError("espeak-ng must be installed to speak (`apt install espeak-ng`); is not")
    options = ("-v", _VOICE, "-s", str(_WORDS_A_MINUTE), "--stdout", "--")
    done = subprocess.run(["espeak-ng", *options, text], capture_output=True, check=False)
    try:
        # Its header states a length of 2 GB: it does not know it yet.
        with wave.open(io.BytesIO(done.stdout)) as file:
            rate, data = file.getframerate(), file.readframes(_MOST_S * file.getframerate())
    except (EOFError, wave.Error) as error:
        raise InputError(f"espeak-ng must give a WAV file; gives none: {error}") from error
    heard = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(float)
    at = np.arange(len(heard) * RATE // rate) * (rate / RATE)
    sound = np.interp(at, np.arange(len(heard)), heard)
    return np.asarray(np.round(sound * (PEAK / max(1.0, np.abs(sound).max()))), np.int16)


def with_noise(phrase: Sound, signal_to_noise_db: float | None, seed: int = 1) -> Sound:
    """Put a phrase between two pauses, and white noise on all of it.

    Args:
        phrase: as `speak` gives it.
        signal_to_noise_db: of the phrase to the noise; None: no noise.
        seed: of the noise.

    Returns:
        Whole hops of 30 ms.
    """
    before, behind = int(_BEFORE_S * RATE), int(_BEHIND_S * RATE)
    count = -(-(before + len(phrase) + behind) // HOP) * HOP
    sound: npt.NDArray[Any] = np.zeros(count)
    sound[before : before + len(phrase)] = phrase
    if signal_to_noise_db is not None:
        power = np.mean(phrase.astype(float) ** 2) / 10 ** (signal_to_noise_db / 10)
        most = round(float(np.sqrt(3 * power)))  # even distribution in [-most, most]
        sound += np.random.default_rng(seed).integers(-most, most + 1, count)
    return np.asarray(np.clip(sound, -32768, 32767), np.int16)
