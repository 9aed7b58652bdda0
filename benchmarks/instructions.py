"""Instructions that one inference executes, counted by QEMU.

With `-icount shift=0` one instruction is one nanosecond of the board's clock, so microseconds are
thousands of instructions. The blob runs in place from flash; heads are left out. Instructions are
not cycles: one vector or multiple-load instruction counts 1.

The column "TFLM" is TensorFlow Lite Micro with CMSIS-NN, the better of two builds (-O3; -Os core
with -O2 kernels), tflite-micro of 2026-08-20, CMSIS-NN of 2026-06-17, counted the same way. A model
that is absent is left out.
"""

from __future__ import annotations

import math
from pathlib import Path

from host_sdk import Device

MODELS = Path(__file__).resolve().parents[2] / "shared" / "models"
CPUS = ("cortex-m4", "cortex-m7", "cortex-m55")
# Thousands of instructions of the peer, by model, in the order of CPUS.
TFLM = {
    "mlperf_kws_int8": (7697, 7643, 1785),
    "mlperf_ic_resnet8_int8": (29863, 29937, 4810),
    "mlperf_vww_int8": (24102, 24025, 6433),
    "mlperf_ad01_int8": (582, 583, 150),
    "ssd_grid_int8": (1105273, 1106067, 138972),
    "cifar_cnn_int8": (15640, 15720, 2612),
    "mnist_small_int8": (2154, 2199, 753),
    "mnist_small_f32": (7876, 6809, 7689),
    "tiny8k_int8": (2946, 3283, 2019),
}


def measure(cpu: str, names: list[str]) -> dict[str, int]:
    """Thousands of instructions of one inference, by model."""
    counts = {}
    with Device(f"sim://{cpu}?icount=on") as board:
        for name in names:
            board.load_model(MODELS / f"{name}.tflite")
            counts[name] = sum(row.us for row in board.profile().rows if row.op[:5] != "HEAD_")
            board.rm(name)
    return counts


def table() -> str:
    """Write the Markdown table."""
    names = [name for name in TFLM if (MODELS / f"{name}.tflite").exists()]
    ours = [measure(cpu, names) for cpu in CPUS]
    lines = [
        "| model, thousands | " + " | ".join(f"{c} | TFLM | ratio" for c in CPUS) + " |",
        "|---|" + "--:|" * 3 * len(CPUS),
    ]
    ratios: list[list[float]] = [[] for _ in CPUS]
    for name in names:
        cells = []
        for i, count in enumerate(ours):
            ratios[i].append(count[name] / TFLM[name][i])
            cells.append(f"{count[name]:,} | {TFLM[name][i]:,} | {ratios[i][-1]:.2f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    means = [math.exp(sum(map(math.log, r)) / len(r)) if r else math.nan for r in ratios]
    lines.append("| geometric mean | " + " | ".join(f" | | {m:.2f}" for m in means) + " |")
    return "\n".join(lines)
