"""SELECT and SELECT_V2: values of one tensor or another, as a third says."""

from __future__ import annotations

import math

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.broadcast import broadcast_fields, random_shapes, stretched_shapes
from relocatable.ops._shared.random import random_quant
from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Input, Output, PointerLoop
from relocatable.steps.kernel_call import KernelCall


def chosen_types(node: Node) -> Seen:
    """both values and the output must be of one type"""
    seen = [node.inputs[1].dtype, node.inputs[2].dtype, node.output.dtype]
    return len(set(seen)) == 1, ", ".join(seen)


def selected_shapes(node: Node) -> Seen:
    """both values must be of the output's shape, the condition too, or one value, or one for each
    index of the first dimension"""
    condition, *others = (t.shape for t in node.inputs)
    shape = node.output.shape
    fits = condition == shape or math.prod(condition) == 1 or condition == shape[:1]
    return fits and others == [shape, shape], f"{list(condition)}, {others} -> {list(shape)}"


def condition_shape(node: Node) -> tuple[int, ...]:
    """Find the shape that the condition stretches from."""
    condition, shape = node.inputs[0].shape, node.output.shape
    if node.op.kind == "SELECT_V2" or condition == shape:
        return condition
    return (math.prod(condition), *(1 for _ in shape[1:]))


def lower_select(site: Site) -> KernelCall:
    """Lower a choice between values of any type."""
    others = [site.input(i).shape for i in (1, 2)]
    shape, loops = broadcast_fields(site, [condition_shape(site.node), *others])
    bits = f"uint{8 * np.dtype(site.output.dtype).itemsize}"
    values = f"{bits}_t"
    call = CCall(
        "xn_select",
        (Input(0), Input(1, values), Input(2, values), Output(values)),
        {"shape": shape},
        dtype=bits,
        loops=[PointerLoop(loop.size, (*loop.steps, loop.output)) for loop in loops],
    )
    in_place = [i for i in (1, 2) if site.input(i).shape == site.output.shape]
    return site.call(
        "select/select.c", call, inputs=(0, 1, 2), in_place=in_place, rows=site.value_rows
    )


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Choose values."""
    return np.where(inputs[0].reshape(condition_shape(node)), inputs[1], inputs[2])


def sample_select(rng: Rng, dtype: str) -> Graph:
    """Make a graph whose condition is of each value, of all or of each first index."""
    shape = [int(v) for v in rng.integers(1, 6, int(rng.integers(1, 5)))]
    conditions = [shape, [], shape[:1]]
    return _graph(rng, "SELECT", dtype, conditions[int(rng.integers(3))], shape, shape)


def sample_select_v2(rng: Rng, dtype: str) -> Graph:
    """Make a graph whose operands may all be repeated."""
    first, second = random_shapes(rng, 5)
    full = np.broadcast_shapes(tuple(first), tuple(second))
    condition = [d if rng.random() < 0.7 else 1 for d in full][int(rng.integers(len(full))) :]
    shapes = [condition, first, second]
    if rng.random() < 0.5:
        shapes = [first, condition, second]
    return _graph(rng, "SELECT_V2", dtype, *shapes)


def _graph(
    rng: Rng, kind: str, dtype: str, condition: list[int], first: list[int], second: list[int]
) -> Graph:
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    inputs = [b.input(*condition, dtype="bool")]
    inputs += [b.input(*shape, dtype=dtype, quant=quant) for shape in (first, second)]
    full = np.broadcast_shapes(tuple(first), tuple(second))
    if kind == "SELECT_V2":
        full = np.broadcast_shapes(full, tuple(condition))
    return b.graph(b.op(kind, inputs, b.tensor(*full, dtype=dtype, quant=quant)))


_OPERANDS = (
    Operand("condition", ("bool",)),
    Operand("first values", ANY),
    Operand("second values", ANY),
)
_SAMPLED = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")

OPERATORS = tuple(
    Operator(
        kind=kind,
        operands=_OPERANDS,
        output=ANY,
        rules=(chosen_types,),
        shape=shape,
        kernels=(Kernel(lower_select),),
        evaluate=evaluate,
        folds="constants",
        version=1,
        samples=samples(sample, _SAMPLED),
    )
    for kind, shape, sample in (
        ("SELECT", selected_shapes, sample_select),
        ("SELECT_V2", stretched_shapes, sample_select_v2),
    )
)
