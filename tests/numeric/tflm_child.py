"""Run models by TFLite Micro's interpreter, in a Python that has it and NumPy.

python tflm_child.py models.npz results.npz

models.npz: `model<i>`, `in<i>.<k>`, an input in all runs, and `outputs<i>`, the number of outputs.
results.npz has those, too, and `out<i>.<k>`, and `version`.
"""

from __future__ import annotations

import sys
from importlib import metadata
from itertools import count, takewhile
from typing import Any

import numpy as np
from tflite_micro.python.tflite_micro import runtime  # type: ignore[import-not-found]

_ARENA_BYTES = 1 << 20


def main(source: str, target: str) -> None:
    """Run all models, each from its first run to its last."""
    with np.load(source) as file:
        given = dict(file)
    found: dict[str, Any] = {"version": np.array(metadata.version("tflite_micro"))}
    for i in takewhile(lambda i: f"model{i}" in given, count()):
        model = runtime.Interpreter.from_bytes(
            given[f"model{i}"].tobytes(), arena_size=_ARENA_BYTES
        )
        keys = takewhile(given.__contains__, (f"in{i}.{k}" for k in count()))
        outputs = range(int(given[f"outputs{i}"]))
        results = []
        for inputs in zip(*(given[key] for key in keys), strict=True):
            for k, x in enumerate(inputs):
                model.set_input(x, k)
            model.invoke()
            results.append([model.get_output(k) for k in outputs])
        found |= {f"out{i}.{k}": np.stack([one[k] for one in results]) for k in outputs}
    np.savez_compressed(target, **given, **found)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
