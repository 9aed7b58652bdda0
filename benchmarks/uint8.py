"""Instructions of layers in uint8, of files of 2018 and 2019, beside the same in int8.

QEMU counts (`-icount shift=0`). The layers are those of a MobileNet v1 of a quarter width for
images of 96 x 96, with RELU6, one scale and random values. The weights' zero point is 121, so that
weights less it do not fit into 8 bits and every window's values must be summed; or 128, where
nothing of the kind is needed. "Worst" has such weights in all depthwise channels, as no trained
network does.
"""

from __future__ import annotations

import numpy as np

from host_sdk import Device
from relocatable.compile import build_blob, lower, schedule
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.targets import find_target

CPUS = ("cortex-m4", "cortex-m55")
# Products of these are exact in single precision.
IMAGE_SCALE, WEIGHT_SCALE = 193 / 8192, 211 / 256
# Height and width, channels, window, stride, output channels (0: depthwise).
LAYERS = (
    (96, 3, 3, 2, 8),
    (48, 8, 3, 1, 0),
    (48, 8, 1, 1, 16),
    (24, 32, 3, 1, 0),
    (24, 32, 1, 1, 32),
    (12, 64, 3, 2, 0),
    (6, 128, 1, 1, 128),
    (3, 256, 1, 1, 256),
)


def layers(dtype: str, filter_zero: int, reach: int) -> Graph:
    """Make a graph whose operators are the layers, each with an input of its own.

    Args:
        dtype: "int8" or "uint8".
        filter_zero: zero point of the weights.
        reach: of the depthwise layers' weights, less the zero point.
    """
    rng, b, outputs = np.random.default_rng(1), GraphBuilder(), []
    low = 0 if dtype == "uint8" else -128
    for size, in_c, k, stride, out_c in LAYERS:
        is_deep = out_c == 0
        out_c = out_c or in_c
        shape = (1, k, k, in_c) if is_deep else (out_c, k, k, in_c)
        terms = k * k if is_deep else k * k * in_c
        x = b.input(1, size, size, in_c, dtype=dtype, quant=Quant((IMAGE_SCALE,), (low,)))
        y = b.tensor(
            *(1, size // stride, size // stride, out_c),
            dtype=dtype,
            quant=Quant((IMAGE_SCALE,), (low,)),
        )
        least, most = (
            (-reach, reach) if is_deep else (low - filter_zero + 1, low + 255 - filter_zero)
        )
        weights = rng.integers(least, most + 1, shape) + filter_zero
        scale = 2.0 ** -(5 + round(np.log2(terms) / 2)) * WEIGHT_SCALE
        w = b.constant(weights, dtype, Quant((scale,), (filter_zero,)))
        bias = rng.integers(-100, 100, out_c)
        z = b.constant(bias, "int32", Quant((IMAGE_SCALE * scale,), (0,)))
        attrs = {"depth_multiplier": 1} if is_deep else {}
        b.op(
            "DEPTHWISE_CONV_2D" if is_deep else "CONV_2D",
            *((x, w, z), y),
            padding="SAME",
            stride_h=stride,
            stride_w=stride,
            dilation_h_factor=1,
            dilation_w_factor=1,
            fused_activation_function="RELU6",
            **attrs,
        )
        outputs.append(y)
    return b.graph(*outputs)


def measure(cpu: str, graph: Graph) -> list[int]:
    """Count thousands of instructions of each layer."""
    program = schedule(lower(graph), None, [find_target(cpu)], whole_tensors=True)
    with Device(f"sim://{cpu}?icount=on") as board:
        board.load_model(build_blob("layers", program, "speed").pack())
        return [row.us for row in board.profile().rows]


def table() -> str:
    """Write the Markdown table."""
    forms = (("int8", 0, 90), ("uint8", 128, 90), ("uint8", 121, 90), ("uint8", 121, 134))
    names = ["int8", "uint8 of zero point 128", "of 121", "worst"]
    lines = [
        "| layer, thousands | "
        + " | ".join(f"{cpu}: {', '.join(names[:1])} | " + " | ".join(names[1:]) for cpu in CPUS)
        + " |",
        "|---|" + "--:|" * len(names) * len(CPUS),
    ]
    counts = [[measure(cpu, layers(*form)) for form in forms] for cpu in CPUS]
    for i, (size, in_c, k, stride, out_c) in enumerate((*LAYERS, (0, 0, 0, 0, 0))):
        kind = (
            f"{k}x{k}"
            + (f"/{stride}" if stride > 1 else "")
            + (f", {out_c}" if out_c else " depthwise")
        )
        cells = []
        for found in counts:
            sums = [row[i] if i < len(LAYERS) else sum(row) for row in found]
            cells.append(f"{sums[0]:,}")
            cells += [f"{n:,} ({n / sums[0] - 1:+.1%})" for n in sums[1:]]
        name = f"{kind} on {size} x {size} x {in_c}" if size else "all"
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
