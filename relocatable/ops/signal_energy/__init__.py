"""SignalEnergy: squares of a spectrum's magnitudes. The reference is TFLite Micro.

TFLite Micro leaves what is outside of the range as it was in memory; here it is 0.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.signal import shapes_text, signal_kind, whole_options
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Input, Output
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("Energy")


def energy_range(node: Node) -> Seen:
    """start_index and end_index must be in order and within the output"""
    start, end = node.integer("start_index"), node.integer("end_index")
    return 0 <= start <= end <= node.output.count, f"[{start}, {end}) of {node.output.count}"


def energy_shape(node: Node) -> Seen:
    """input must be [2 C] for an output [C]"""
    source, output = node.inputs[0].shape, node.output.shape
    return len(output) == 1 and source == (2 * output[0],), shapes_text(node)


def lower_energy(site: Site) -> KernelCall:
    """Lower the sums of squares."""
    bounds = {key: site.int_attr(f"{key}_index") for key in ("start", "end")}
    params = {"count": site.output.count, **bounds}
    call = CCall("xn_signal_energy", (Input(0), Output()), params)
    return site.call("signal_energy/signal_energy.c", call)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Add the squares of real and imaginary part."""
    squares = inputs[0].astype(np.int64).reshape(-1, 2) ** 2
    found = squares.sum(1).astype(np.uint32)
    at = np.arange(found.size)
    within = (at >= node.integer("start_index")) & (at < node.integer("end_index"))
    return np.where(within, found, np.uint32(0))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one spectrum and a range of it."""
    count = int(rng.integers(1, 40))
    start, end = sorted(int(v) for v in rng.integers(0, count + 1, 2))
    b = GraphBuilder()
    x, y = b.input(2 * count, dtype=dtype, quant=None), b.tensor(count, dtype="uint32")
    return b.graph(b.op(KIND, (x,), y, start_index=start, end_index=end))


OPERATORS = (
    Operator(
        kind=KIND,
        options=whole_options("start_index", "end_index"),
        operands=(Operand("input", ("int16",)),),
        output=("uint32",),
        rules=(energy_range,),
        shape=energy_shape,
        kernels=(Kernel(lower_energy),),
        evaluate=evaluate,
        reference="TFLite Micro",
        version=1,
        samples=samples(sample, ("int16",)),
    ),
)
