"""Instructions of layers in uint8, beside the same in int8.

QEMU counts (`-icount shift=0`). The layers are those of a MobileNet v1 of a quarter width for
images of 96 x 96, with RELU6 and one scale. Weights are normally distributed, channels differ in
their spread, and the largest is at the end of the type. If their zero point is 121, weights less it
reach from -120 to 134, which does not fit into 8 bits: then the kernels sum up the window's values,
too. "Worst" has uniformly distributed weights.
"""

from __future__ import annotations

import numpy as np

from host_sdk import Device
from relocatable.compile import build_blob, lower, schedule
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph, Quant
from relocatable.ops.operator import Array
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
# Element type, zero point of the weights, whether they are uniformly distributed.
FORMS = {
    "int8": ("int8", 0, False),
    "uint8, zero point 128": ("uint8", 128, False),
    "121": ("uint8", 121, False),
    "worst": ("uint8", 121, True),
}


def layers(dtype: str, filter_zero: int, is_uniform: bool) -> Graph:
    """Make a graph whose operators are the layers, each with an input of its own."""
    rng, b, outputs = np.random.default_rng(1), GraphBuilder(), []
    low = 0 if dtype == "uint8" else -128
    image = Quant((IMAGE_SCALE,), (low,))
    for size, in_c, k, stride, out_c in LAYERS:
        is_deep = out_c == 0
        out_c = out_c or in_c
        x = b.input(1, size, size, in_c, dtype=dtype, quant=image)
        y = b.tensor(1, size // stride, size // stride, out_c, dtype=dtype, quant=image)
        shape = (1, k, k, in_c) if is_deep else (out_c, k, k, in_c)
        values = weights(rng, shape, 3 if is_deep else 0, low + 255 - filter_zero, is_uniform)
        terms = values.size / out_c
        scale = 2.0 ** -(5 + round(np.log2(terms) / 2)) * WEIGHT_SCALE
        w = b.constant(values + filter_zero, dtype, Quant((scale,), (filter_zero,)))
        bias = b.constant(
            rng.integers(-100, 100, out_c), "int32", Quant((IMAGE_SCALE * scale,), (0,))
        )
        attrs: dict[str, AttrValue] = {"depth_multiplier": 1} if is_deep else {}
        b.op(
            "DEPTHWISE_CONV_2D" if is_deep else "CONV_2D",
            (x, w, bias),
            y,
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


def weights(
    rng: np.random.Generator, shape: tuple[int, ...], axis: int, most: int, is_uniform: bool
) -> Array:
    """Draw weights less their zero point, of [most - 254, most]."""
    if is_uniform:
        return rng.integers(most - 254, most, shape, endpoint=True)
    spread = np.exp(rng.normal(0, 0.4, shape[axis]))
    drawn = rng.normal(0, 1, shape) * (spread if axis == 3 else spread[:, None, None, None])
    found: Array = np.rint(drawn * (most / np.abs(drawn).max())).astype(int)
    return np.clip(found, most - 254, most)


def measure(cpu: str, graph: Graph) -> list[int]:
    """Count thousands of instructions of each layer."""
    program = schedule(lower(graph), None, [find_target(cpu)], whole_tensors=True)
    with Device(f"sim://{cpu}?icount=on") as board:
        board.load_model(build_blob("layers", program, "speed").pack())
        return [row.us for row in board.profile().rows]


def table() -> str:
    """Write the Markdown table."""
    counts = [[measure(cpu, layers(*form)) for form in FORMS.values()] for cpu in CPUS]
    heads = [f"{cpu}: {names}" for cpu in CPUS for names in [" | ".join(FORMS)]]
    lines = [
        f"| layer, thousands | {' | '.join(heads)} |",
        "|---|" + "--:|" * len(FORMS) * len(CPUS),
    ]
    for i, (size, in_c, k, stride, out_c) in enumerate(LAYERS):
        kind = f"{k}x{k}{f'/{stride}' * (stride > 1)} {f'to {out_c}' if out_c else 'depthwise'}"
        cells = [cell for found in counts for cell in compared([row[i] for row in found])]
        lines.append(f"| {kind}, {size} x {size} x {in_c} | {' | '.join(cells)} |")
    cells = [cell for found in counts for cell in compared([sum(row) for row in found])]
    lines.append(f"| all | {' | '.join(cells)} |")
    return "\n".join(lines)


def compared(counts: list[int]) -> list[str]:
    """Write counts, and how much those after the first are above it."""
    first, *others = counts
    return [f"{first:,}", *(f"{n:,} ({n / first - 1:+.1%})" for n in others)]
