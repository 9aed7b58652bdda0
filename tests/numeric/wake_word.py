"""What the package pymicro-wakeword hears in okay_nabu.wav with noise.

The committed wake_word.json is what `python -m tests.numeric.wake_word PYTHON` writes, where PYTHON
is an interpreter with pymicro-wakeword.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from host_sdk.cli.demos.wakeword import WORD, ask_package
from host_sdk.cli.sound.scene import Sound, read_wav, with_noise
from tests.numeric.microfrontend import PHRASE

EXPECTED = Path(__file__).with_name("wake_word.json")
LEVELS = (None, 20, 10, 5, 0, -5)  # decibels


def sounds() -> Mapping[str, Sound]:
    """Make the phrase in noise, by levels."""
    phrase = read_wav(PHRASE)
    return {str(level): with_noise(phrase, level) for level in LEVELS}


def ask(python: str) -> Mapping[str, Sequence[float]]:
    """Ask the package: the averages that it compares with its cutoff, by levels."""
    return {name: ask_package(sound, WORD, python).scores for name, sound in sounds().items()}


if __name__ == "__main__":
    found = {name: [round(mean, 7) for mean in means] for name, means in ask(sys.argv[1]).items()}
    lines = (f"  {json.dumps(name)}: {json.dumps(means)}" for name, means in found.items())
    EXPECTED.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
