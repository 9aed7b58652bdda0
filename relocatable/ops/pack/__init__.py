"""PACK: the inputs side by side along a new axis."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import MOVE, move_call, move_into, outline
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import check_joined
from relocatable.ops._shared.types import one_type
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall


def packed_shapes(node: Node) -> Seen:
    """inputs must have one shape, and the output their number as one more dimension, at the axis"""
    axis, shapes, output = node.integer("axis"), {t.shape for t in node.inputs}, node.output.shape
    rank = len(output)
    text = f"{[list(s) for s in shapes]} along {axis} -> {list(output)}"
    if len(shapes) != 1 or not -rank <= axis < rank:
        return False, text
    rest = output[: axis % rank] + output[axis % rank + 1 :]
    return shapes == {rest} and output[axis] == len(node.inputs), text


def lower_pack(site: Site) -> KernelCall:
    """Lower PACK: a call for each input."""
    whole = outline(site.output.shape)
    apart = np.moveaxis(whole, site.int_attr("axis"), 0)
    inputs = range(len(site.op.inputs))
    moves = [move_into(whole, apart[i, ...]) for i in inputs]
    return site.call(MOVE, *(move_call(site, m, i, 0) for i, m in enumerate(moves)), inputs=inputs)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Stack values along a new axis."""
    check_joined(node)
    return np.stack(inputs, axis=node.integer("axis"))


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph that packs up to four inputs of up to three dimensions."""
    rank, count = int(rng.integers(0, 4)), int(rng.integers(1, 5))
    shape = [int(v) for v in rng.integers(1, 6, rank)]
    axis = int(rng.integers(-rank - 1, rank + 1))
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    inputs = [b.input(*shape, dtype=dtype, quant=quant) for _ in range(count)]
    shape.insert(axis % (rank + 1), count)
    y = b.tensor(*shape, dtype=dtype, quant=quant)
    return b.graph(b.op("PACK", inputs, y, values_count=count, axis=axis))


OPERATORS = (
    Operator(
        kind="PACK",
        options=Options("PackOptions", ("values_count", "axis")),
        operands=(Operand("every input", ANY),),
        is_variadic=True,
        output=ANY,
        rules=(one_type,),
        shape=packed_shapes,
        kernels=(Kernel(lower_pack),),
        evaluate=evaluate,
        folds="constants",
        samples=samples(sample, ("int8", "uint8", "int16", "int32", "int64", "float32")),
    ),
)
