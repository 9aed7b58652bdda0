"""DYNAMIC_UPDATE_SLICE: a tensor with another one as a part.

The place may be computed. A part that would not fit begins as near to the place as it can, as in
LiteRT.
"""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.part import MOST_DIMENSIONS, part_params
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import INTEGERS, kept_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    SAMPLED,
    Array,
    Kernel,
    Operand,
    Operator,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CPointer, Input, Output
from relocatable.steps.kernel_call import KernelCall


def part_type(node: Node) -> Seen:
    """input, update and output must be of one type"""
    seen = [t.dtype for t in (*node.inputs[:2], node.output)]
    return len(set(seen)) == 1, ", ".join(seen)


def part_shape(node: Node) -> Seen:
    """update must have as many dimensions as the input, 1 to 8, none longer, and start indices be
    one for each"""
    whole, part, start = (t.shape for t in node.inputs)
    ok = 1 <= len(whole) <= MOST_DIMENSIONS and len(part) == len(whole) and start == (len(whole),)
    text = f"{list(part)} in {list(whole)}, start {list(start)}"
    return ok and all(p <= w for p, w in zip(part, whole, strict=True)), text


def lower_update(site: Site) -> KernelCall:
    """Lower the copies, of values of any type of one width."""
    params = part_params(*(site.input(i) for i in range(3)))
    params["count"] = site.output.count
    bits = f"uint{8 * np.dtype(site.output.dtype).itemsize}"
    pointers: list[CPointer] = [Input(0, f"{bits}_t"), Input(1, f"{bits}_t")]
    pointers += [Input(2, "int32_t"), Output(f"{bits}_t")]
    call = CCall("xn_dynamic_update_slice", pointers, params, dtype=bits)
    source = "dynamic_update_slice/dynamic_update_slice.c"
    return site.call(source, call, inputs=(0, 1, 2), in_place=(0,))


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Put the part into a copy."""
    output, part = inputs[0].copy(), inputs[1]
    sizes = zip(inputs[2].tolist(), output.shape, part.shape, strict=True)
    starts = [min(max(0, start), whole - size) for start, whole, size in sizes]
    places = zip(starts, part.shape, strict=True)
    output[tuple(slice(start, start + size) for start, size in places)] = part
    return output


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one part; start indices are often too large or below 0."""
    rank = int(rng.integers(1, 6))
    whole = [int(v) for v in rng.integers(1, 6, rank)]
    part = [int(rng.integers(1, size + 1)) for size in whole]
    quant = random_quant(rng, dtype)
    b = GraphBuilder()
    inputs = [b.input(*shape, dtype=dtype, quant=quant) for shape in (whole, part)]
    index = str(rng.choice(INTEGERS))
    if rng.random() < 0.5:
        inputs.append(b.constant(rng.integers(-2, 7, rank), index))
    else:
        inputs.append(b.input(rank, dtype=index))
    return b.graph(b.op("DYNAMIC_UPDATE_SLICE", inputs, b.tensor(*whole, dtype=dtype, quant=quant)))


OPERATORS = (
    Operator(
        kind="DYNAMIC_UPDATE_SLICE",
        operands=(
            Operand("input", ANY),
            Operand("update", ANY),
            Operand("start indices", INTEGERS, below=lambda node: 7),
        ),
        output=ANY,
        rules=(part_type, kept_scale, part_shape),
        shape=kept_shape,
        kernels=(Kernel(lower_update),),
        evaluate=evaluate,
        folds="constants",
        version=1,
        samples=samples(sample, SAMPLED),
    ),
)
