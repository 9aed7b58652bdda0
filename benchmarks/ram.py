"""Arena and instructions of models compiled for speed, and for the least RAM.

`optimize="ram"` takes rows in smaller tasks and kernels with less scratch, but only as far as the
arena gets smaller by it. Instructions are counted by QEMU as in `instructions`; a head is left
out. micro_speech and pose_net have the shapes of public models, and random weights. A model that
is absent is left out.
"""

from __future__ import annotations

from typing import Literal

from benchmarks._stand_ins import micro_speech, pose_net
from benchmarks.instructions import MODELS
from host_sdk import Device

CPUS = ("cortex-m4", "cortex-m55")
NAMES = ("mlperf_kws", "mlperf_ic_resnet8", "mlperf_vww", "mlperf_ad01", "cifar_cnn", "tiny8k")


def measure(
    cpu: str, models: dict[str, bytes], optimize: Literal["speed", "ram"]
) -> dict[str, tuple[int, int]]:
    """Bytes of the arena and thousands of instructions of an inference, by model."""
    found = {}
    with Device(f"sim://{cpu}?icount=on") as board:
        for name, data in models.items():
            board.load_model(data, name, optimize=optimize)
            us = sum(row.us for row in board.profile().rows if row.op[:5] != "HEAD_")
            found[name] = board.model().arena_bytes, us
            board.rm(name)
    return found


def table() -> str:
    """Write the Markdown table."""
    paths = {name: MODELS / f"{name}_int8.tflite" for name in NAMES}
    models = {name: path.read_bytes() for name, path in paths.items() if path.exists()}
    models |= {"micro_speech": micro_speech(), "pose_net": pose_net()}
    lines = [
        "| model | "
        + " | ".join(
            f"{cpu}: RAM | least | instructions, thousands | with the least RAM" for cpu in CPUS
        )
        + " |",
        "|---|" + "--:|" * 4 * len(CPUS),
    ]
    by_cpu = [(measure(cpu, models, "speed"), measure(cpu, models, "ram")) for cpu in CPUS]
    for name in models:
        cells = []
        for speed, ram in by_cpu:
            (large, fast), (small, slow) = speed[name], ram[name]
            cells.append(f"{large:,} | {small:,} | {fast:,} | {slow:,}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
