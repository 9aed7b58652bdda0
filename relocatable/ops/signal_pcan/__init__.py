"""SignalPCAN: signals in relation to their noise, squeezed.

The reference is TFLite Micro. The gain of a noise is a curve of three coefficients for each of its
numbers of bits.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.signal import in_range, shapes_text, signal_kind, whole_options
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("PCAN")
_CURVES = 125  # values of all: three for 0 to 2, then four for each number of bits


def gain_shapes(node: Node) -> Seen:
    """input, noise and output must be of one shape of one dimension, gains [125] or longer"""
    signal, noise, gains, output = (t.shape for t in (*node.inputs, node.output))
    ok = len(signal) == 1 and signal == noise == output
    return ok and len(gains) == 1 and gains[0] >= _CURVES, shapes_text(node)


def lower_pcan(site: Site) -> KernelCall:
    """Lower gains and squeezing."""
    params: dict[str, CValue] = {"count": site.output.count, "shift": site.int_attr("snr_shift")}
    call = CCall("xn_signal_pcan", (Input(0), Input(1), Input(2), Output()), params)
    return site.call("signal_pcan/signal_pcan.c", call, inputs=(0, 1, 2), in_place=(0,))


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Look up the gain; multiply; take x^2 / 4 below 2, and x - 1 above."""
    signal, noise = (x.astype(np.int64) for x in inputs[:2])
    gains = inputs[2].astype(np.int64)
    bits = np.floor(np.log2(np.maximum(noise, 3))).astype(np.int64) + 1
    at = 4 * bits - 6
    part = np.where(bits < 11, noise << np.maximum(11 - bits, 0), noise >> np.maximum(bits - 11, 0))
    part &= 0x3FF
    curve = (gains[at + 2] * part >> 5) + (gains[at + 1] << 5)
    curve = (curve * part).astype(np.int32).astype(np.int64)
    curve = ((curve + 16384).astype(np.int32) >> 15) + gains[at]
    gain = np.where(noise <= 2, gains[np.minimum(noise, 2)], curve.astype(np.int16))
    wide = signal.astype(np.uint64) * (gain & 0xFFFFFFFF).astype(np.uint64)
    ratio = wide >> np.uint64(node.integer("snr_shift")) & np.uint64(0xFFFFFFFF)
    small = (ratio * ratio & np.uint64(0xFFFFFFFF)) >> np.uint64(20)
    return np.where(ratio < 8192, small, (ratio >> np.uint64(6)) - np.uint64(64)).astype(np.uint32)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of some signals, with gains over all of their range or small ones."""
    count = int(rng.integers(1, 40))
    b = GraphBuilder()
    x, noise = b.input(count, dtype=dtype), b.input(count, dtype=dtype)
    most = int(rng.choice([300, 32767]))
    gains = b.constant(rng.integers(-most, most + 1, _CURVES), "int16")
    y = b.tensor(count, dtype="uint32")
    return b.graph(b.op(KIND, (x, noise, gains), y, snr_shift=int(rng.integers(0, 32))))


OPERATORS = (
    Operator(
        kind=KIND,
        options=whole_options("snr_shift"),
        operands=(
            Operand("input", ("uint32",)),
            Operand("noise", ("uint32",)),
            Operand("gains", ("int16",)),
        ),
        output=("uint32",),
        rules=(in_range(0, 31, "snr_shift"),),
        shape=gain_shapes,
        kernels=(Kernel(lower_pcan),),
        evaluate=evaluate,
        reference="TFLite Micro",
        version=1,
        samples=samples(sample, ("uint32",)),
    ),
)
