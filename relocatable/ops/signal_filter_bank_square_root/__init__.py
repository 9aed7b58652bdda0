"""SignalFilterBankSquareRoot: rounded square roots. The reference is TFLite Micro.

A shift that is known only at run time and is out of [0, 31] counts as the nearest one.
"""

from __future__ import annotations

import math

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.signal import shapes_text, signal_kind
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Input, Output
from relocatable.steps.kernel_call import KernelCall

KIND = signal_kind("FilterBankSquareRoot")


def root_shapes(node: Node) -> Seen:
    """input and output must be of one shape of one dimension, scale_bits a scalar"""
    source, bits, output = (t.shape for t in (*node.inputs, node.output))
    return len(source) == 1 and source == output and bits == (), shapes_text(node)


def lower_square_root(site: Site) -> KernelCall:
    """Lower the roots."""
    params = {"count": site.output.count}
    call = CCall("xn_signal_square_root", (Input(0), Input(1), Output()), params)
    source = "signal_filter_bank_square_root/signal_filter_bank_square_root.c"
    return site.call(source, call, inputs=(0, 1))


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Round the root, but not beyond 16 bits for a radicand of 32; shift it."""
    shift = int(np.clip(inputs[1].item(), 0, 31))
    return np.array([_root(value) >> shift for value in inputs[0].tolist()], np.uint32)


def _root(value: int) -> int:
    root = math.isqrt(value)
    most = 0xFFFF if value < 1 << 32 else 0xFFFFFFFF
    return root + 1 if value - root * root > root and root != most else root


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of some roots."""
    count = int(rng.integers(1, 20))
    b = GraphBuilder()
    x, y = b.input(count, dtype=dtype), b.tensor(count, dtype="uint32")
    # Few bits come from SignalFftAutoScale, at run time.
    bits = b.constant(int(rng.integers(0, 16))) if rng.random() < 0.5 else b.input(dtype="int32")
    return b.graph(b.op(KIND, (x, bits), y))


OPERATORS = (
    Operator(
        kind=KIND,
        operands=(
            Operand("input", ("uint64",)),
            Operand("scale_bits", ("int32",), below=lambda node: 16),
        ),
        output=("uint32",),
        shape=root_shapes,
        kernels=(Kernel(lower_square_root),),
        evaluate=evaluate,
        reference="TFLite Micro",
        version=1,
        samples=samples(sample, ("uint64",)),
    ),
)
