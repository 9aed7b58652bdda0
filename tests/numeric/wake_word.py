"""What the package pymicro-wakeword hears in the spoken phrases with noise.

The committed wake_word.json is what `python -m tests.numeric.wake_word PYTHON` writes, where PYTHON
is an interpreter with pymicro-wakeword.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from host_sdk.cli.demos.wakeword import ask_package
from host_sdk.cli.sound.scene import Sound, read_wav, with_noise
from tests.conftest import ROOT

EXPECTED = Path(__file__).with_name("wake_word.json")
WORDS = ("okay_nabu", "alexa", "hey_mycroft")
LEVELS = (None, 20, 10, 5, 0, -5)  # decibels


def sounds(word: str) -> Mapping[str, Sound]:
    """Make a word's phrase in noise, by levels."""
    phrase = read_wav(ROOT / "examples" / "wake_word" / f"{word}.wav")
    return {str(level): with_noise(phrase, level) for level in LEVELS}


def ask(python: str, word: str) -> Mapping[str, Sequence[float]]:
    """Ask the package: the averages that it compares with its cutoff, by levels."""
    return {name: ask_package(sound, word, python).scores for name, sound in sounds(word).items()}


def _lines(word: str, python: str) -> str:
    found = {name: [round(mean, 7) for mean in means] for name, means in ask(python, word).items()}
    lines = (f"    {json.dumps(name)}: {json.dumps(means)}" for name, means in found.items())
    return f"  {json.dumps(word)}: {{\n" + ",\n".join(lines) + "\n  }"


if __name__ == "__main__":
    text = ",\n".join(_lines(word, sys.argv[1]) for word in WORDS)
    EXPECTED.write_text(f"{{\n{text}\n}}\n", encoding="utf-8")
