"""SignalFftAutoScale: a signal, shifted left as far as it goes.

The reference is TFLite Micro. Its search for the largest magnitude takes -(-32768) for -32768 and
goes on from there.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.signal import output_types, shapes_text, signal_kind
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Input, Output
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("FftAutoScale")


def scaled_shapes(node: Node) -> Seen:
    """input and first output must be of one shape of one dimension, the second output a scalar"""
    source, scaled, bits = (t.shape for t in (*node.inputs, *node.outputs))
    return len(source) == 1 and scaled == source and bits == (), shapes_text(node)


def lower_auto_scale(site: Site) -> KernelCall:
    """Lower the search and the shift."""
    call = CCall(
        "xn_signal_fft_auto_scale",
        (Input(0), Output(), Output(index=1)),
        {"count": site.output.count},
    )
    return site.call("signal_fft_auto_scale/signal_fft_auto_scale.c", call)


def evaluate(node: Node, inputs: list[Array]) -> tuple[Array, Array]:
    """Search the largest magnitude; leave one bit for the sign."""
    largest = 0
    for value in inputs[0].tolist():
        if value > largest:
            largest = value
        elif -value > largest:
            largest = -32768 if value == -32768 else -value
    bits = (largest & 0xFFFFFFFF).bit_length() if largest else 32
    shift = max(0, 15 - bits)
    scaled = (inputs[0].astype(np.int64) << shift).astype(np.int16)
    return scaled, np.asarray(shift, np.int32)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one signal, mostly a quiet one."""
    count = int(rng.integers(1, 40))
    b = GraphBuilder()
    x, y = b.input(count, dtype=dtype, quant=None), b.tensor(count, dtype=dtype, quant=None)
    bits = b.tensor(dtype="int32")
    b.op(KIND, (x,), y, bits)
    return b.graph(y, bits)


OPERATORS = (
    Operator(
        kind=KIND,
        operands=(Operand("input", ("int16",)),),
        output=("int16", "int32"),
        outputs=(2, 2),
        rules=(output_types("int16", "int32"),),
        shape=scaled_shapes,
        kernels=(Kernel(lower_auto_scale),),
        evaluate=evaluate,
        reference="TFLite Micro",
        version=1,
        samples=samples(sample, ("int16",)),
    ),
)
