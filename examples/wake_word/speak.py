"""Write the phrases spoken by espeak-ng: 16-bit mono at 16 kHz, a file each.

    sudo apt install espeak-ng
    python examples/wake_word/speak.py

Espeak-ng 1.51 of Debian 12 wrote the files beside this script. It says "hey jarvis" in a way that
the network of that name does not know: neither a blob nor the package's own runtime fires.
"""

from __future__ import annotations

from pathlib import Path

from host_sdk.cli.sound.scene import RATE, speak
from host_sdk.media.sound import write_wav

PHRASES = {"okay_nabu": "okay nabu", "alexa": "alexa", "hey_mycroft": "hey mycroft"}

if __name__ == "__main__":
    for name, phrase in PHRASES.items():
        write_wav(Path(__file__).with_name(f"{name}.wav"), speak(phrase), RATE)
