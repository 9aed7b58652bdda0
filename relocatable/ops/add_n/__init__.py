"""ADD_N: the sum of two or more tensors."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.plain import plain_clamp
from relocatable.ops._shared.types import one_type
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CPointer, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_TYPES = ("int32", "float32")
_MOST = 64


def same_shapes(node: Node) -> Seen:
    """inputs and output must be of one shape"""
    shapes = [t.shape for t in (*node.inputs, node.output)]
    return len(set(shapes)) == 1, ", ".join(str(list(s)) for s in shapes)


def few_inputs(node: Node) -> Seen:
    """inputs must be at most 64"""
    return len(node.inputs) <= _MOST, str(len(node.inputs))


def lower_add_n(site: Site) -> KernelCall:
    """Lower a sum: the first two, then each further one on top."""
    dtype, once = site.output.dtype, (0, 0, 0, 1)
    low, high = plain_clamp("NONE", dtype)
    shape: CValue = {"size": (1, 1, 1, site.output.count), "a_stride": once, "b_stride": once}
    params: dict[str, CValue] = {"shape": shape, "low": low, "high": high}
    count = len(site.op.inputs)
    firsts: list[CPointer] = [Input(0), *[Output()] * (count - 2)]
    calls = [
        CCall("xn_sum", (a, Input(i), Output()), params, "xn_binary_params", dtype)
        for i, a in enumerate(firsts, 1)
    ]
    macs = site.output.count * (count - 1)
    return site.call("_shared/binary.c", *calls, inputs=range(count), in_place=(0, 1), macs=macs)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Add all, in order."""
    total = inputs[0]
    for values in inputs[1:]:
        total = total + values
    return np.asarray(total)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph that adds two to five tensors."""
    b = GraphBuilder()
    shape = [int(v) for v in rng.integers(1, 6, int(rng.integers(0, 5)))]
    inputs = [b.input(*shape, dtype=dtype) for _ in range(int(rng.integers(2, 6)))]
    return b.graph(b.op("ADD_N", inputs, b.tensor(*shape, dtype=dtype)))


OPERATORS = (
    Operator(
        kind="ADD_N",
        operands=(Operand("first input", _TYPES), Operand("every other input", _TYPES)),
        is_variadic=True,
        output=_TYPES,
        rules=(one_type, few_inputs),
        shape=same_shapes,
        kernels=(Kernel(lower_add_n),),
        evaluate=evaluate,
        version=1,
        samples=samples(sample, _TYPES),
    ),
)
