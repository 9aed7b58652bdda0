"""Which files the sensors of a virtual board show and hear."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SensorFiles:
    """What the sensors of a virtual board show and hear.

    Attributes:
        camera: a clip; None: the camera ends at once.
        mic: a WAV file; None: so does the microphone.
        fps: frames per second; None: the clip's own.
    """

    camera: Path | None = None
    mic: Path | None = None
    fps: float | None = None

    @property
    def are_there(self) -> bool:
        """Whether a sensor has something to show or hear."""
        return self.camera is not None or self.mic is not None
