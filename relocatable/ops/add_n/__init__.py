"""ADD_N: the sum of two or more tensors.

LiteRT has it of int32 and float32, TFLite Micro of float32 and int8: that is the reference of int8.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.micro_sum import MicroSum, lifted_output
from relocatable.ops._shared.plain import plain_clamp
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import one_scale, one_type, quant_text
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CPointer, CValue, Input, Output, Struct
from relocatable.steps.kernel_call import KernelCall

_TYPES = ("int8", "int32", "float32")
_MOST = 64


def same_shapes(node: Node) -> Seen:
    """inputs and output must be of one shape"""
    shapes = [t.shape for t in (*node.inputs, node.output)]
    return len(set(shapes)) == 1, ", ".join(str(list(s)) for s in shapes)


def few_inputs(node: Node) -> Seen:
    """inputs must be at most 64"""
    return len(node.inputs) <= _MOST, str(len(node.inputs))


def equal_scales(node: Node) -> Seen:
    """int8 inputs must have the same scale and zero point"""
    quants = {t.quant for t in node.inputs if t.dtype == "int8"}
    return len(quants) <= 1, " and ".join(quant_text(q) for q in quants)


def lower_add_n(site: Site) -> KernelCall:
    """Lower a sum: of int8 at once; else the first two, then each further one on top."""
    if site.output.dtype == "int8":
        return _lower_int8(site)
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


def _lower_int8(site: Site) -> KernelCall:
    every = range(len(site.op.inputs))
    addends = Struct("xn_addends", "addends", {"in": [Input(i) for i in every]})
    sums = MicroSum.of(site.node).params
    params: dict[str, CValue] = {"count": site.output.count, "addends": len(every), "sum": sums}
    call = CCall("xn_add_n", (addends, Output()), params)
    macs = site.output.count * len(every)
    return site.call("add_n/add_n.c", call, inputs=every, in_place=every, macs=macs)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Add all, in order."""
    if node.output.dtype == "int8":
        sums = MicroSum.of(node)
        return sums.outputs(np.sum([x.astype(np.int64) - sums.zero for x in inputs], axis=0))
    total = inputs[0]
    for values in inputs[1:]:
        total = total + values
    return np.asarray(total)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph that adds two to five tensors."""
    b = GraphBuilder()
    shape = [int(v) for v in rng.integers(1, 6, int(rng.integers(0, 5)))]
    most = 6 if dtype != "int8" or rng.random() < 0.8 else 40  # then sums may wrap around
    quant = random_quant(rng, dtype)
    count = int(rng.integers(2, most))
    inputs = [b.input(*shape, dtype=dtype, quant=quant) for _ in range(count)]
    y = b.tensor(*shape, dtype=dtype, quant=random_quant(rng, dtype))
    return b.graph(b.op("ADD_N", inputs, y))


OPERATORS = (
    Operator(
        kind="ADD_N",
        operands=(Operand("first input", _TYPES), Operand("every other input", _TYPES)),
        is_variadic=True,
        output=_TYPES,
        rules=(one_type, few_inputs, one_scale, equal_scales, lifted_output),
        shape=same_shapes,
        kernels=(Kernel(lower_add_n),),
        evaluate=evaluate,
        micro=("int8",),
        version=1,
        samples=samples(sample, _TYPES),
    ),
)
