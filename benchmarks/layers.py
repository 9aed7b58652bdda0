"""Instructions for each product of a layer, of 8-bit and 16-bit inputs.

Counted by QEMU on the virtual boards, the whole step: windows, sums, scaling. Weights have 8 bits
and a scale for each channel, biases 32 or 64 bits, outputs a RELU; windows have stride 1 and
padding SAME.
Instructions are not cycles: one vector or multiple-load instruction counts 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from host_sdk import Device
from relocatable.compile import build_blob, lower, schedule
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.targets import find_target

CPUS = ("cortex-m4", "cortex-m7", "cortex-m55")
# Kind, input [H, W, C] or [K], output channels, window.
LAYERS: tuple[tuple[str, tuple[int, ...], int, int], ...] = (
    ("CONV_2D", (16, 16, 32), 32, 3),
    ("CONV_2D", (16, 16, 64), 64, 1),
    ("CONV_2D", (16, 16, 3), 16, 3),
    ("DEPTHWISE_CONV_2D", (16, 16, 32), 32, 3),
    ("DEPTHWISE_CONV_2D", (16, 16, 32), 32, 5),
    ("FULLY_CONNECTED", (256,), 64, 1),
    ("FULLY_CONNECTED", (640,), 256, 1),
)


def layer(kind: str, shape: Sequence[int], out_c: int, k: int, dtype: str) -> tuple[Graph, int]:
    """Make a layer; return it and the number of its products."""
    rng = np.random.default_rng(1)
    terms = k * k * (1 if kind == "DEPTHWISE_CONV_2D" else shape[-1])
    in_scale = float(np.float32(0.02 if dtype == "int8" else 1e-4))
    scales = [float(np.float32(0.004 * np.exp(rng.normal(0, 0.5)))) for _ in range(out_c)]
    zeros = (0,) * out_c
    out_scale = float(np.float32(in_scale * 0.3 * math.sqrt(terms)))
    b = GraphBuilder()
    quants = [Quant((s,), (0,)) for s in (in_scale, out_scale)]
    x = b.input(1, *shape, dtype=dtype, quant=quants[0])
    y = b.tensor(1, *shape[:-1], out_c, dtype=dtype, quant=quants[1])
    attrs: dict[str, AttrValue] = {"fused_activation_function": "RELU"}
    filters: tuple[int, ...] = (out_c, k, k, shape[-1])
    axis = 0
    if kind == "FULLY_CONNECTED":
        filters = (out_c, shape[-1])
        attrs |= {"weights_format": "DEFAULT", "keep_num_dims": False}
    else:
        attrs |= {"padding": "SAME", "stride_h": 1, "stride_w": 1}
        attrs |= {"dilation_h_factor": 1, "dilation_w_factor": 1}
    if kind == "DEPTHWISE_CONV_2D":
        filters, axis = (1, k, k, out_c), 3
        attrs["depth_multiplier"] = 1
    weights = rng.integers(-127, 128, filters)
    w = b.constant(weights, "int8", Quant(tuple(scales), zeros, axis))
    bias_quant = Quant(tuple(float(np.float32(in_scale * s)) for s in scales), zeros, 0)
    bias_type = "int32" if dtype == "int8" else "int64"
    bias = b.constant(rng.integers(-1000, 1000, out_c), bias_type, bias_quant)
    graph = b.graph(b.op(kind, (x, w, bias), y, **attrs))
    return graph, b.tensors[y].count * terms


def measure(cpu: str) -> list[float]:
    """Instructions for each product: of each layer int8, then int16."""
    counts = []
    with Device(f"sim://{cpu}?icount=on") as board:
        for kind, shape, out_c, k in LAYERS:
            for dtype in ("int8", "int16"):
                graph, products = layer(kind, shape, out_c, k, dtype)
                graph = replace(graph, name=dtype)
                program = schedule(lower(graph), None, [find_target(cpu)], True)
                board.load_model(build_blob(dtype, program, "speed", lambda: None).pack())
                counts.append(1000 * sum(row.us for row in board.profile().rows) / products)
                board.rm(dtype)
    return counts


def table() -> str:
    """Write the Markdown table."""
    counts = [measure(cpu) for cpu in CPUS]
    lines = [
        "| layer | " + " | ".join(f"{cpu}: int8 | int16" for cpu in CPUS) + " |",
        "|---|" + "--:|" * 2 * len(CPUS),
    ]
    for i, (kind, shape, out_c, k) in enumerate(LAYERS):
        size = " x ".join(map(str, shape))
        name = f"{kind} {size} -> {out_c}" + f", {k} x {k}" * (len(shape) == 3)
        cells = [f"{n:.2f}" for found in counts for n in found[2 * i : 2 * i + 2]]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
