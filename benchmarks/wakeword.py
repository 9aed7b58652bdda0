"""Million instructions that a second of sound costs, for a wake word.

The models of the package pymicro-wakeword, each with its front end and the head `audio` in one
blob. A run takes in 30 ms of sound; counted is the mean of the 24 runs in the middle of a phrase
(examples/wake_word/okay_nabu.wav), as for `instructions`: a microsecond of the board's clock is a
thousand instructions. Instructions are not cycles. Blob, arena and state are in bytes; the
state lies in the arena. A model that is absent is left out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from host_sdk import Device, InputError
from host_sdk.cli.demos.wakeword import WORD, find_model
from host_sdk.cli.sound.scene import HOP, RATE, read_wav
from relocatable import compile_model
from relocatable.blob.blob import Blob
from relocatable.front_ends.micro import PREFIX

CPUS = ("cortex-m4", "cortex-m55")
WORDS = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")
RUNS = 24
_PHRASE = Path(__file__).resolve().parents[1] / "examples" / "wake_word" / f"{WORD}.wav"


def measure(board: Device, cpu: str, word: str) -> str:
    """Write a model's row."""
    path, head = find_model(word)
    blob = Blob.unpack(data := compile_model(path, target=cpu, head=head))
    board.load_model(data, word)
    sound = read_wav(_PHRASE)[4 * HOP :]
    parts = np.zeros(3)
    for hop in sound[: RUNS * HOP].reshape(RUNS, HOP):
        for row in board.profile(hop).rows:
            parts[0 if row.name.startswith(PREFIX) else 2 if row.op == "HEAD_AUDIO" else 1] += (
                row.us
            )
    board.rm(word)
    million = parts / RUNS * RATE / HOP / 1000
    front, network, hearing = (f"{part:.2f}" for part in million)
    arena, state = blob.variants[0].arena_bytes, blob.state.size_bytes if blob.state else 0
    sizes = f"{len(data):,} | {arena:,} | {state:,}"
    return f"| {word} | {cpu} | {front} | {network} | {hearing} | {million.sum():.2f} | {sizes} |"


def table() -> str:
    """Write the Markdown table."""
    lines = [
        "| model | CPU | front end | network | head | all | blob | arena | state |",
        "|---|---|" + "--:|" * 7,
    ]
    try:
        find_model(WORD)
    except InputError:
        return "\n".join(lines)
    for cpu in CPUS:
        with Device(f"sim://{cpu}?icount=on") as board:
            lines += [measure(board, cpu, word) for word in WORDS]
    return "\n".join(lines)
