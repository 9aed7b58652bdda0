"""A WAV file as samples."""

from __future__ import annotations

import os
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from host_sdk.errors import InputError


@dataclass(frozen=True)
class Sound:
    """Samples of one channel.

    Attributes:
        samples: int16 [N].
        rate_hz: samples per second.
    """

    samples: npt.NDArray[np.int16]
    rate_hz: int

    def at_rate(self, rate_hz: int) -> Sound:
        """Interpolate to another rate, linearly; above half of it nothing is filtered out."""
        if rate_hz == self.rate_hz:
            return self
        count = len(self.samples) * rate_hz // self.rate_hz
        at = np.arange(count) * (self.rate_hz / rate_hz)
        values = np.interp(at, np.arange(len(self.samples)), self.samples)
        return Sound(np.round(values).astype(np.int16), rate_hz)


def read_wav(path: str | os.PathLike[str]) -> Sound:
    """Read a WAV file of 8 or 16 bits a sample; of several channels the mean.

    Raises:
        InputError: it cannot be read, or is of another kind.
    """
    try:
        with wave.open(os.fspath(path), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: no WAV file that can be read: {reason}") from error
    if width not in (1, 2) or channels < 1 or rate < 1:
        raise InputError(f"{path}: a WAV file must have 8 or 16 bits a sample; has {8 * width}")
    whole = len(data) // (width * channels) * width * channels
    flat = np.frombuffer(data[:whole], "<i2" if width == 2 else np.uint8)
    wide = flat.astype(np.int32) if width == 2 else (flat.astype(np.int32) - 128) * 256
    mean = wide.reshape(-1, channels).mean(axis=1)
    return Sound(np.round(mean).astype(np.int16), rate)


def write_wav(path: str | os.PathLike[str], samples: npt.NDArray[np.int16], rate_hz: int) -> None:
    """Write samples int16 [N] as a WAV file of one channel."""
    with wave.open(str(Path(path)), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.ascontiguousarray(samples, "<i2").tobytes())
