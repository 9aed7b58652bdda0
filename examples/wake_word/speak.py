"""Write okay_nabu.wav: a phrase spoken by espeak-ng, 16-bit mono at 16 kHz.

    sudo apt install espeak-ng
    python examples/wake_word/speak.py

Espeak-ng 1.51 of Debian 12 wrote the file beside this script.
"""

from __future__ import annotations

from pathlib import Path

from host_sdk.cli.sound.scene import RATE, speak
from host_sdk.media.sound import write_wav

if __name__ == "__main__":
    write_wav(Path(__file__).with_name("okay_nabu.wav"), speak("okay nabu"), RATE)
