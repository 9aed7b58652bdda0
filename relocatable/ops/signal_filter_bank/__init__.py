"""SignalFilterBank: weighted sums of energies. The reference is TFLite Micro.

Each frequency counts in two channels: by its weight in its own, by its unweight in the next.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.signal import shapes_text, signal_kind, whole_options
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CPointer, Input, Output
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("FilterBank")
_TABLES = ("weights", "unweights", "frequency starts", "weight starts", "widths")


def bank_shapes(node: Node) -> Seen:
    """inputs must have one dimension, frequency starts, weight starts and widths one value more
    than num_channels, and unweights as many as weights"""
    shapes = [t.shape for t in node.inputs]
    ok = all(len(shape) == 1 for shape in shapes) and shapes[1] == shapes[2]
    return ok and set(shapes[3:]) == {(node.integer("num_channels") + 1,)}, shapes_text(node)


def bank_output(node: Node) -> Seen:
    """output must be [num_channels]"""
    output = node.output.shape
    return output == (node.integer("num_channels"),), str(list(output))


def bank_ranges(node: Node) -> Seen:
    """each channel's starts and width must be within input and weights"""
    starts, weight_starts, widths = (node.integers(i) for i in (3, 4, 5))
    sizes = node.inputs[0].count, node.inputs[1].count
    for i, ranges in enumerate(zip(starts, weight_starts, widths, strict=True)):
        start, weight_start, width = ranges
        ends = start + width, weight_start + width
        ok = min(ranges) >= 0 and ends[0] <= sizes[0] and ends[1] <= sizes[1]
        if width > 0 and not ok:
            return False, f"{ranges} of channel {i}"
    return True, ""


def lower_filter_bank(site: Site) -> KernelCall:
    """Lower the sums."""
    arguments: list[CPointer] = [*map(Input, range(6)), Output()]
    call = CCall("xn_signal_filter_bank", arguments, {"channels": site.output.count})
    return site.call(
        "signal_filter_bank/signal_filter_bank.c",
        call,
        inputs=range(6),
        macs=2 * sum(max(0, width) for width in site.node.integers(5)),
    )


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Add up each channel's frequencies, modulo 2^64."""
    energies, weights, unweights = (x.astype(np.int64).astype(np.uint64) for x in inputs[:3])
    sums = [0] * (node.output.count + 2)
    for i, (start, at, width) in enumerate(zip(*(x.tolist() for x in inputs[3:]), strict=True)):
        if width > 0:
            part = energies[start : start + width]
            sums[i] += int((part * weights[at : at + width]).sum(dtype=np.uint64))
            sums[i + 1] += int((part * unweights[at : at + width]).sum(dtype=np.uint64))
    return np.array([value & (1 << 64) - 1 for value in sums[1:-1]], np.uint64)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one bank of random channels."""
    channels, size, count = (int(v) for v in rng.integers(1, 30, 3))
    widths = rng.integers(0, min(size, count) + 1, channels + 1)
    b = GraphBuilder()
    x, y = b.input(size, dtype=dtype), b.tensor(channels, dtype="uint64")
    weights = rng.integers(-32768 if rng.random() < 0.3 else 0, 32768, (2, count))
    starts = [rng.integers(0, n - widths + 1) for n in (size, count)]
    tables = [b.constant(v, "int16") for v in (*weights, *starts, widths)]
    return b.graph(b.op(KIND, (x, *tables), y, num_channels=channels))


OPERATORS = (
    Operator(
        kind=KIND,
        options=whole_options("num_channels"),
        operands=(
            Operand("input", ("uint32",)),
            *(Operand(name, ("int16",), constant=True) for name in _TABLES),
        ),
        output=("uint64",),
        rules=(bank_shapes, bank_ranges),
        shape=bank_output,
        kernels=(Kernel(lower_filter_bank),),
        evaluate=evaluate,
        reference="TFLite Micro",
        version=1,
        samples=samples(sample, ("uint32",)),
    ),
)
