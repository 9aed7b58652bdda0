"""A wake word, heard by a board: spoken, with noise, as sound goes in."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import host_sdk
from host_sdk.cli.common import print_table
from host_sdk.cli.demos.demo import OUTPUT, Demo, example, say
from host_sdk.cli.sound.scene import HOP, RATE, Sound, read_wav, speak, with_noise
from host_sdk.cli.sound.timeline import Track, draw_timeline
from host_sdk.errors import InputError

WORD, PHRASE, OTHER = "okay_nabu", "okay nabu", "good morning"
LEVELS = (None, 10, 5, 0)  # the phrase's power over the noise's, decibels
HOP_MS = 1000 * HOP // RATE
_REFRACTORY = 2 * RATE // HOP  # 2 s
_RUNTIME = Path(__file__).parents[1] / "sound" / "package_runtime.py"
_PAUSE_S = 0.4


@dataclass(frozen=True)
class Heard:
    """What was heard of a sound.

    Attributes:
        scores: behind each run, which takes in 30 ms.
        fired: runs in which it fired.
    """

    scores: Sequence[float]
    fired: Sequence[int]

    @property
    def when(self) -> str:
        """The end of the run in which it first fired."""
        return f"{(self.fired[0] + 1) * HOP_MS}" if self.fired else "-"


def run(board: str) -> None:
    """Let a board hear a phrase at several levels of noise."""
    began = time.monotonic()
    model, head = find_model(WORD)
    phrase = spoken()
    sounds = {level: with_noise(phrase, level) for level in LEVELS}
    say(f"Starting {board}: MicroPython and xipnet under QEMU")
    with host_sdk.Device(board) as device:
        say(f"{device}")
        say(f"Compiling {model.name} with a front end for it, uploading it over the UART")
        loaded = device.load_model(model, head=head, progress=True)
        say(f"Loaded {loaded.sent_bytes:,} bytes: front end, network and head in one blob")
        seconds = sum(len(sound) for sound in sounds.values()) / RATE
        say(f"{seconds:.0f} s of sound go in, 30 ms in each run")
        heard = {level: hear(device, sound) for level, sound in sounds.items()}
    asked = {level: ask_package(sound, WORD) for level, sound in sounds.items()}
    threshold, window = head["audio"]["threshold"], head["audio"]["window"]
    rows = [[name_of(level), heard[level].when, asked[level].when] for level in LEVELS]
    columns = ("noise", "the board fires at, ms", "the package's own runtime, ms")
    print_table(columns, rows, title=f"'{PHRASE}', cutoff {threshold}")
    title = f"'{PHRASE}' on {board}: the score, averaged over {window} runs"
    save_timeline(OUTPUT / "wakeword_timeline.png", title, sounds, heard, threshold)
    say(f"All in {time.monotonic() - began:.1f} s")


def save_timeline(
    path: Path,
    title: str,
    sounds: Mapping[int | None, Sound],
    heard: Mapping[int | None, Heard],
    threshold: float,
) -> None:
    """Draw what was heard at each level."""
    tracks = [
        Track(name_of(level), sound, heard[level].scores, heard[level].fired)
        for level, sound in sounds.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_timeline(title, tracks, threshold, HOP_MS).save(path, optimize=True)
    say(f"Wrote {path}")


def find_model(word: str) -> tuple[Path, dict[str, Any]]:
    """Find a model of the package pymicro-wakeword, and describe its head.

    Raises:
        InputError: the package is not installed.
    """
    found = find_spec("pymicro_wakeword")
    if found is None or found.origin is None:
        raise InputError(
            "the demo's model comes with the package pymicro-wakeword; "
            "pip install 'xipnet[examples]'"
        )
    path = Path(found.origin).parent / "models" / f"{word}.tflite"
    about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return path, {
        "head": "audio",
        "labels": [about["wake_word"]],
        "audio": {
            "window": about["micro"]["sliding_window_size"],
            "threshold": about["micro"]["probability_cutoff"],
            "refractory": _REFRACTORY,
        },
        "sound": {"front_end": "micro"},
    }


def spoken() -> Sound:
    """Give the phrase, behind another if espeak-ng is here to speak it."""
    phrase = read_wav(example(f"wake_word/{WORD}.wav"))
    if shutil.which("espeak-ng") is None:
        say(f"With espeak-ng (`apt install espeak-ng`) '{OTHER}' is said before '{PHRASE}', too")
        return phrase
    return np.concatenate([speak(OTHER), np.zeros(int(_PAUSE_S * RATE), np.int16), phrase])


def hear(device: host_sdk.Device, sound: Sound) -> Heard:
    """Let a board hear a sound from its beginning."""
    device.reset_state()
    items: list[Any] = [device.run_head(hop)[0] for hop in sound.reshape(-1, HOP)]
    fired = [at for at, item in enumerate(items) if item.fired]
    return Heard([item.score for item in items], fired)


def ask_package(sound: Sound, word: str, python: str = sys.executable) -> Heard:
    """Let the package's own runtime hear a sound, in a process of its own.

    Raises:
        InputError: it cannot.
    """
    command = [python, str(_RUNTIME), word]
    done = subprocess.run(command, input=sound.tobytes(), capture_output=True, check=False)
    if done.returncode != 0:
        raise InputError(
            f"pymicro-wakeword must run; {done.stderr.decode(errors='replace')[-300:]}"
        )
    found: Mapping[str, Any] = json.loads(done.stdout)
    above = [at for at, mean in enumerate(found["means"]) if mean > found["cutoff"]]
    return Heard(found["means"], above[:1])


def name_of(level: int | None) -> str:
    """Say how loud the noise is."""
    if level is None:
        return "none"
    if level == 0:
        return "as loud as the phrase"
    return f"{abs(level)} dB {'below' if level > 0 else 'above'} the phrase"


DEMO = Demo("a wake word in noise: when it fires, as a timeline", run)
