"""All 1,360 test pictures of `mnist_test.npz` through two models, on this
computer and on the virtual boards, with `validate`: how many are classified
right, by the blob and by LiteRT's reference kernels on the same inputs, how
many pictures have all ten outputs equal bit by bit, and the largest difference
of an output."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from host_sdk import Device, Report, validate_on_host

MODELS = Path(__file__).resolve().parents[2] / "shared" / "models"
NAMES = ("mnist_small_int8", "mnist_small_f32")
PLACES = ("host", "cortex-m4", "cortex-m7", "cortex-m55")


def measure(name: str, place: str) -> Report:
    """Validate a model at a place."""
    model = MODELS / f"{name}.tflite"
    data = np.load(MODELS / "mnist_test.npz")
    if place == "host":
        return validate_on_host(model, data["x"], data["y"])
    with Device(f"sim://{place}") as board:
        board.load_model(model)
        return board.validate(data["x"], data["y"])


def table() -> str:
    """Write the Markdown table."""
    lines = [
        "| model | on | right | LiteRT's | bit-exact | max difference |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for name in NAMES:
        for place in PLACES:
            report = measure(name, place)
            c = report.classification
            assert c is not None
            cells = (
                f"{c.correct:,} ({c.accuracy:.2%})",
                f"{c.reference_correct:,}",
                f"{report.exact_samples:,}",
                f"{report.differences[0].max_abs:.2g}",
            )
            lines.append(f"| {name} | {place} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
