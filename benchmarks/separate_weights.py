"""Bytes of objects and patches that a board is sent (virtual Cortex-M4), with the
weights inside of the blob and as an object of their own (docs/WEIGHTS.md): the
first load, then one after another what changes of the model.

- other code: the same weights, all kernels compiled again, for size.
- other head: a head that names the classes.
- retrained: 5 % of the weights, all over the model, moved by one step.
- second model: the first one once more, under another name, with the head.

"Old bytes known": as in upload_bytes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks._retrain import retrain
from benchmarks.upload_bytes import cache
from host_sdk import Device
from host_sdk.inference.model_source import Weights

MODELS = Path(__file__).resolve().parents[1] / "tests" / "models"
NAMES = ("mnist_small_int8", "cifar_cnn_int8")
FIRST, SECOND = (
    {
        "head": "classify",
        "labels": [f"{word} {i}" for i in range(10)],
        "classify": {"top_k": 3, "softmax": False},
    }
    for word in ("class", "thing")
)
COLUMNS = ("first load", "other code", "other head", "retrained", "second model")


def measure(path: Path, weights: Weights) -> list[tuple[int, int]]:
    """Load what changes, one after another.

    Returns:
        Bytes sent for each, and those of them that were for weights of their own.
    """
    tflite, retrained = path.read_bytes(), retrain(path.read_bytes(), 0.05, "everywhere")
    folder = tempfile.TemporaryDirectory()
    with folder as at, Device(f"sim://cortex-m4?flash={at}/flash") as board:
        loads = [
            board.load_model(tflite, "net", weights=weights),
            board.load_model(tflite, "net", weights=weights, optimize="size"),
            board.load_model(tflite, "net", weights=weights, head=FIRST),
            board.load_model(retrained, "net", weights=weights, head=FIRST),
            board.load_model(tflite, "other", weights=weights, head=SECOND),
        ]
    return [(loaded.sent_bytes, loaded.weights_bytes) for loaded in loads]


def table() -> str:
    """Write the Markdown table."""
    lines = [
        "| model | weights | old bytes known | " + " | ".join(COLUMNS) + " |",
        "|---|---|---|" + "--:|" * len(COLUMNS),
    ]
    for name in NAMES:
        with tempfile.TemporaryDirectory() as folder:
            for known, where in (("yes", folder), ("no", "")):
                for weights in ("inside", "separate"):
                    with cache(where):
                        sent = measure(MODELS / f"{name}.tflite", weights)
                    cells = " | ".join(f"{all_bytes:,}" for all_bytes, _ in sent)
                    lines.append(f"| {name} | {weights} | {known} | {cells} |")
    return "\n".join(lines)
