"""FILL and ZEROS_LIKE: one value everywhere.

LiteRT has no ZEROS_LIKE of int8. TFLite Micro, which has, stores 0 whatever the zero point.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.move import MOVE, Loop, Move, Movement, move_call
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import INTEGERS, kept_type
from relocatable.ops.node import Node
from relocatable.ops.operator import ANY, Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import Constant, Output
from relocatable.steps.kernel_call import KernelCall

_MOST = 1 << 28


def filled(node: Node, x: Array) -> list[Array]:
    """Repeat the value to the shape that the first input says."""
    shape = node.integers(0)
    # What it makes may be far more than the file: it is not to be written before it is checked.
    if math.prod(shape) > _MOST:
        raise ValueError(f"{shape} must have at most {_MOST} values")
    return [np.broadcast_to(x, shape)]


def one_value(node: Node) -> Seen:
    """value must be one"""
    return node.inputs[1].count == 1, str(list(node.inputs[1].shape))


def filled_shape(node: Node) -> Seen:
    """output must have the shape that the first input says"""
    return tuple(node.integers(0)) == node.output.shape, f"{list(node.output.shape)}"


def lower_zeros(site: Site) -> KernelCall:
    """Lower ZEROS_LIKE: a zero that is moved everywhere."""
    call = move_call(site, Move(0, 0, (Loop(site.output.count, 0, 1),)), 0, 0)
    arguments = (Constant("zero"), Output(f"{call.dtype}_t"))
    zero = np.zeros(1, call.dtype)
    return site.call(MOVE, replace(call, arguments=arguments), weights={"zero": zero}, inputs=())


def evaluate_zeros(node: Node, inputs: list[Array]) -> Array:
    """Make zeros."""
    return np.zeros(node.output.shape, node.output.dtype)


def sample_fill(rng: Rng, dtype: str) -> Graph:
    """Make a graph that repeats a value, computed or not."""
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    shape = [int(v) for v in rng.integers(1, 6, int(rng.integers(1, 5)))]
    dims = b.constant(shape, str(rng.choice(INTEGERS)))
    value = b.input(dtype=dtype, quant=quant)
    y = b.tensor(*shape, dtype=dtype, quant=quant)
    return b.graph(b.op("FILL", (dims, value), y))


def sample_zeros(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one such tensor."""
    b = GraphBuilder()
    shape = [int(v) for v in rng.integers(1, 6, int(rng.integers(0, 5)))]
    x = b.input(*shape, dtype=dtype)
    return b.graph(b.op("ZEROS_LIKE", (x,), b.tensor(*shape, dtype=dtype)))


_FILL = Movement(filled, 1)
_SWEPT = ("int32", "int64", "float32")
_ZEROS = ("int8", *_SWEPT)

OPERATORS = (
    Operator(
        kind="FILL",
        operands=(Operand("shape", INTEGERS, constant=True), Operand("value", ANY)),
        output=ANY,
        rules=(_FILL.keeps_type, one_value, filled_shape),
        shape=_FILL.takes,
        kernels=(Kernel(_FILL.lower),),
        evaluate=lambda node, inputs: _FILL.evaluate(node, [inputs[0], inputs[1].reshape(())]),
        folds="constants",
        version=3,
        samples=samples(
            sample_fill, ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")
        ),
    ),
    Operator(
        kind="ZEROS_LIKE",
        operands=(Operand("input", _ZEROS),),
        output=_ZEROS,
        rules=(kept_type,),
        shape=kept_shape,
        kernels=(Kernel(lower_zeros),),
        evaluate=evaluate_zeros,
        version=1,
        samples=samples(sample_zeros, _SWEPT),
    ),
)
