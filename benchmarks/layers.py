"""Instructions for each product of a layer, of 8-bit and 16-bit inputs.

Counted by QEMU on the virtual boards, the whole step: windows, sums, scaling. Weights have 8 bits
and a scale for each channel, biases 32 or 64 bits, outputs a RELU; windows have stride 1, those of
TRANSPOSE_CONV 2, and padding SAME. A BATCH_MATMUL multiplies computed matrices of 8 by 8 or 16 by
16 bits, the second [K, N] or, transposed, [N, K].
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
# Kind, input [H, W, C], [K] or [B, M, K], output channels, window; of BATCH_MATMUL whether the
# second matrix is transposed.
LAYERS: tuple[tuple[str, tuple[int, ...], int, int], ...] = (
    ("CONV_2D", (16, 16, 32), 32, 3),
    ("CONV_2D", (16, 16, 64), 64, 1),
    ("CONV_2D", (16, 16, 3), 16, 3),
    ("DEPTHWISE_CONV_2D", (16, 16, 32), 32, 3),
    ("DEPTHWISE_CONV_2D", (16, 16, 32), 32, 5),
    ("FULLY_CONNECTED", (256,), 64, 1),
    ("FULLY_CONNECTED", (640,), 256, 1),
    ("TRANSPOSE_CONV", (8, 8, 32), 16, 2),
    ("TRANSPOSE_CONV", (8, 8, 32), 16, 3),
    ("TRANSPOSE_CONV", (8, 8, 16), 16, 4),
    ("BATCH_MATMUL", (4, 32, 32), 32, 1),
    ("BATCH_MATMUL", (4, 32, 32), 32, 0),
    ("BATCH_MATMUL", (1, 1, 256), 256, 1),
)


def product(shape: Sequence[int], columns: int, dtype: str, adj_y: bool) -> tuple[Graph, int]:
    """Make a BATCH_MATMUL; return it and the number of its products."""
    *rows, depth = shape
    scale, zero = (0.02, 3) if dtype == "int8" else (1e-4, 0)
    scales = [float(np.float32(s)) for s in (scale, scale, scale * scale * 30 * math.sqrt(depth))]
    one, two, out = (Quant((s,), (zero,)) for s in scales)
    b = GraphBuilder()
    x = b.input(*rows, depth, dtype=dtype, quant=one)
    second = (columns, depth) if adj_y else (depth, columns)
    w = b.input(*rows[:-1], *second, dtype=dtype, quant=two)
    y = b.tensor(*rows, columns, dtype=dtype, quant=out)
    attrs = {"adj_x": False, "adj_y": adj_y, "asymmetric_quantize_inputs": False}
    return b.graph(b.op("BATCH_MATMUL", (x, w), y, **attrs)), math.prod(shape) * columns


def layer(kind: str, shape: Sequence[int], out_c: int, k: int, dtype: str) -> tuple[Graph, int]:
    """Make a layer; return it and the number of its products."""
    if kind == "BATCH_MATMUL":
        return product(shape, out_c, dtype, bool(k))
    rng = np.random.default_rng(1)
    terms = k * k * (1 if kind == "DEPTHWISE_CONV_2D" else shape[-1])
    in_scale = float(np.float32(0.02 if dtype == "int8" else 1e-4))
    scales = [float(np.float32(0.004 * np.exp(rng.normal(0, 0.5)))) for _ in range(out_c)]
    zeros = (0,) * out_c
    out_scale = float(np.float32(in_scale * 0.3 * math.sqrt(terms)))
    b = GraphBuilder()
    quants = [Quant((s,), (0,)) for s in (in_scale, out_scale)]
    x = b.input(1, *shape, dtype=dtype, quant=quants[0])
    stride = 2 if kind == "TRANSPOSE_CONV" else 1
    size = [n * stride for n in shape[:-1]]
    y = b.tensor(1, *size, out_c, dtype=dtype, quant=quants[1])
    attrs: dict[str, AttrValue] = {"fused_activation_function": "RELU"}
    filters: tuple[int, ...] = (out_c, k, k, shape[-1])
    axis = 0
    if kind == "FULLY_CONNECTED":
        filters = (out_c, shape[-1])
        attrs |= {"weights_format": "DEFAULT", "keep_num_dims": False}
    else:
        attrs |= {"padding": "SAME", "stride_h": stride, "stride_w": stride}
    if kind.endswith("CONV_2D"):
        attrs |= {"dilation_h_factor": 1, "dilation_w_factor": 1}
    if kind == "DEPTHWISE_CONV_2D":
        filters, axis = (1, k, k, out_c), 3
        attrs["depth_multiplier"] = 1
    weights = rng.integers(-127, 128, filters)
    w = b.constant(weights, "int8", Quant(tuple(scales), zeros, axis))
    bias_quant = Quant(tuple(float(np.float32(in_scale * s)) for s in scales), zeros, 0)
    bias_type = "int32" if dtype == "int8" else "int64"
    bias = b.constant(rng.integers(-1000, 1000, out_c), bias_type, bias_quant)
    inputs: tuple[int, ...] = (x, w, bias)
    if kind == "TRANSPOSE_CONV":
        inputs = (b.constant([1, *size, out_c]), w, x, bias)
    graph = b.graph(b.op(kind, inputs, y, **attrs))
    return graph, b.tensors[y].count * terms // stride**2


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
        if kind == "BATCH_MATMUL":
            name = f"{kind} {size} -> {out_c}" + ", transposed" * k
        cells = [f"{n:.2f}" for found in counts for n in found[2 * i : 2 * i + 2]]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
