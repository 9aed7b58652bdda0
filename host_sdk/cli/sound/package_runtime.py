"""Hear sound with the package pymicro-wakeword, in a process of its own.

    python package_runtime.py MODEL < sound    # 16 bits, 16 kHz

It prints, as JSON, the average that the package compares with the cutoff behind each run of the
network (0 until its window is full), the cutoff, and the package's version. The package hears 20 ms
of silence first, because a blob's front end counts what lies before the first sample as silence.
This file needs no other of xipnet: the package may be in another Python.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module, metadata


def main(model: str) -> None:
    """Run the package on standard input."""
    package = import_module("pymicro_wakeword")
    word = package.MicroWakeWord.from_builtin(package.Model(model))
    features = package.MicroWakeWordFeatures()
    sound = bytes(2 * 320) + sys.stdin.buffer.read()
    means = [word.process_streaming_prob(window) for window in features.process_streaming(sound)]
    found = {
        "package": f"pymicro-wakeword {metadata.version('pymicro-wakeword')}",
        "cutoff": word.probability_cutoff,
        "means": means[word.stride - 1 :: word.stride],
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
