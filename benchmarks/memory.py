"""Memory that a model needs on a Cortex-M4, in bytes.

RAM is the arena and the stack of the deepest step; flash is the whole blob: kernels, weights,
metadata and the golden test vector. The column "TFLM" is TensorFlow Lite Micro with CMSIS-NN, only
the needed operators linked: RAM its arena and static RAM (without stack), flash the runtime, the
kernels and the .tflite. A model that is absent is left out.
"""

from __future__ import annotations

import math
from pathlib import Path

from relocatable import compile_model
from relocatable.blob.cost import report

MODELS = Path(__file__).resolve().parents[2] / "shared" / "models"
TARGET = "cortex-m4"
TFLM = {  # RAM, flash
    "mlperf_kws_int8": (24356, 106749),
    "mlperf_ic_resnet8_int8": (56532, 149113),
    "mlperf_vww_int8": (102244, 386101),
    "mlperf_ad01_int8": (2856, 304189),
    "ssd_grid_int8": (1237548, 1031489),
    "cifar_cnn_int8": (45152, 100585),
    "mnist_small_int8": (11548, 74101),
    "mnist_small_f32": (33672, 125413),
    "tiny8k_int8": (14404, 78445),
}


def table() -> str:
    """Write the Markdown table."""
    lines = ["| model | RAM | TFLM | ratio | flash | code | TFLM | ratio |", "|---|" + "--:|" * 7]
    ratios: list[tuple[float, float]] = []
    for name, (ram_peer, flash_peer) in TFLM.items():
        path = MODELS / f"{name}.tflite"
        if not path.exists():
            continue
        cost = report(compile_model(path, target=TARGET))
        ram = cost.arena_bytes + cost.stack_bytes
        ratios.append((ram / ram_peer, cost.flash_bytes / flash_peer))
        lines.append(
            f"| {name} | {ram:,} | {ram_peer:,} | {ratios[-1][0]:.2f} | {cost.flash_bytes:,} | "
            f"{cost.code_bytes:,} | {flash_peer:,} | {ratios[-1][1]:.2f} |"
        )
    means = [math.exp(sum(map(math.log, r)) / len(r)) for r in zip(*ratios, strict=True)]
    if means:
        lines.append(f"| geometric mean | | | {means[0]:.2f} | | | | {means[1]:.2f} |")
    return "\n".join(lines)
