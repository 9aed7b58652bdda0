"""Sound, and the features that the package pymicro-wakeword makes of it.

The committed microfrontend_vectors.npz is what `python -m tests.numeric.microfrontend PYTHON`
writes, where PYTHON is an interpreter with pymicro-wakeword; the version that was asked is in the
file. That package computes features by a copy of TFLite Micro's microfrontend in C
(pymicro-features), and quantises them in Python.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from host_sdk.cli.sound.scene import HOP, read_wav
from relocatable.blob.host import HostModel
from relocatable.compile import build_blob, lower, schedule
from relocatable.front_ends import with_front_end
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Quant
from relocatable.targets import find_target

Array = np.ndarray[Any, Any]

VECTORS = Path(__file__).with_name("microfrontend_vectors.npz")
PHRASE = Path(__file__).parents[2] / "examples" / "wake_word" / "okay_nabu.wav"
INPUT = Quant((0.10196078568696976,), (-128,))  # of the package's networks
# Windows [n, 1, 1, 40] of sound behind 20 ms of silence, as the front end of a blob counts it.
_CHILD = """
import sys
from importlib.metadata import version
import numpy as np
from pymicro_wakeword import MicroWakeWordFeatures
sound = np.load(sys.argv[1])
heard = np.concatenate([np.zeros(320, np.int16), sound]).tobytes()
windows = [w.reshape(40) for w in MicroWakeWordFeatures().process_streaming(heard)]
scale, zero_point = float(sys.argv[3]), int(sys.argv[4])
features = np.clip(np.round(np.array(windows) / scale + zero_point), -128, 127).astype(np.int8)
versions = [f"{name} {version(name)}" for name in ("pymicro-wakeword", "pymicro-features")]
np.savez_compressed(sys.argv[2], sound=sound, features=features, versions=np.array(versions))
"""


def sound_of_every_kind() -> Array:
    """Make speech, noise of any loudness, clicks and what is clipped; whole hops."""
    rng = np.random.default_rng(1)
    speech = read_wav(PHRASE)[1600:9600]
    noise = rng.integers(-1, 2, 2400) * np.repeat([1, 30, 900, 15_000, 32_767], 480)
    clicks = np.where(np.arange(1600) % 500 == 250, -32_768, 0)
    loud = rng.choice([-32_768, 32_767], 960)
    parts = [speech, noise, np.zeros(480), clicks, loud, rng.integers(-32_768, 32_768, 960)]
    sound = np.concatenate(parts).astype(np.int16)
    return sound[: len(sound) // HOP * HOP]


def features_of_blob(sound: Array) -> Array:
    """Compute int8 [windows, 40] with a blob of the front end alone."""
    b = GraphBuilder()
    x = b.input(1, 3, 40, quant=INPUT)
    y = b.op("RESHAPE", (x, b.constant([3, 40])), b.tensor(3, 40, quant=INPUT))
    graph = lower(with_front_end(b.graph(y)))
    blob = build_blob("features", schedule(graph, None, [find_target("host")]), "size").pack()
    made = []
    with HostModel(blob) as model:
        for hop in sound.reshape(-1, HOP):
            model.write_inputs([hop])
            model.run()
            made.append(model.outputs()[0])
    return np.concatenate(made)


def write_vectors(python: str, sound: Array, path: Path) -> None:
    """Ask the package."""
    with tempfile.TemporaryDirectory(prefix="xipnet-") as folder:
        given = Path(folder, "sound.npy")
        np.save(given, sound)
        words = (str(INPUT.scale[0]), str(INPUT.zero_point[0]))
        subprocess.run([python, "-c", _CHILD, str(given), str(path), *words], check=True)


if __name__ == "__main__":
    write_vectors(sys.argv[1], sound_of_every_kind(), VECTORS)
