"""ONE_HOT."""

from __future__ import annotations

import math

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.random import random_input
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import (
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
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_TYPES = ("int8", "uint8", "int32", "int64", "float32", "bool")


def one_value_type(node: Node) -> Seen:
    """on and off value must be one value each, of the output's type"""
    found = [(t.dtype, t.count) for t in node.inputs[2:]]
    return found == [(node.output.dtype, 1)] * 2, f"{found} -> {node.output.dtype}"


def inserted_depth(node: Node) -> Seen:
    """output must have the shape of the indices with the depth inserted at the axis; -1 is last"""
    shape, output = node.inputs[0].shape, node.output.shape
    axis, depth = node.integer("axis"), node.integers(1)
    text = f"{list(shape)}, depth {depth} at {axis} -> {list(output)}"
    if not -1 <= axis <= len(shape) or len(depth) != 1:
        return False, text
    at = len(shape) if axis == -1 else axis
    return output == (*shape[:at], depth[0], *shape[at:]), text


def _split(node: Node) -> tuple[int, int, int]:
    shape, axis = node.output.shape, node.integer("axis") % len(node.output.shape)
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def lower_one_hot(site: Site) -> KernelCall:
    """Lower ONE_HOT of any type; values are moved by their width."""
    outer, depth, inner = _split(site.node)
    params: dict[str, CValue] = {
        "outer": outer,
        "depth": depth,
        "inner": inner,
        "words": np.dtype(site.input(0).dtype).itemsize // 4,
    }
    bits = f"uint{8 * np.dtype(site.output.dtype).itemsize}"
    pair = np.array([site.constant(i).reshape(-1)[0] for i in (3, 2)], site.output.dtype)
    pointers = (Input(0, "int32_t"), Constant("values"), Output(f"{bits}_t"))
    call = CCall("xn_one_hot", pointers, params, dtype=bits)
    return site.call("one_hot/one_hot.c", call, weights={"values": pair.view(bits)})


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Compare each index with all that there are."""
    outer, depth, inner = _split(node)
    indices = inputs[0].reshape(outer, 1, inner)
    there = indices == np.arange(depth)[:, None]
    on, off = (inputs[i].reshape(-1)[0] for i in (2, 3))
    return np.asarray(np.where(there, on, off).reshape(node.output.shape), node.output.dtype)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of any axis; some indices are out of range."""
    shape = [int(v) for v in rng.integers(1, 6, int(rng.integers(0, 4)))]
    depth, axis = int(rng.integers(1, 7)), int(rng.integers(-1, len(shape) + 1))
    output = list(shape)
    output.insert(len(shape) if axis == -1 else axis, depth)
    b = GraphBuilder()
    x = b.input(*shape, dtype=str(rng.choice(INTEGERS)))
    values = [b.constant(random_input(rng, (), dtype), dtype) for _ in range(2)]
    y = b.tensor(*output, dtype=dtype)
    return b.graph(b.op("ONE_HOT", (x, b.constant(depth), *values), y, axis=axis))


def _below(node: Node) -> int:
    return node.integers(1)[0] + 2


OPERATORS = (
    Operator(
        kind="ONE_HOT",
        options=Options("OneHotOptions", ("axis",)),
        operands=(
            Operand("indices", INTEGERS, below=_below),
            Operand("depth", ("int32",), constant=True),
            Operand("on value", _TYPES, constant=True),
            Operand("off value", _TYPES, constant=True),
        ),
        output=_TYPES,
        rules=(one_value_type,),
        shape=inserted_depth,
        kernels=(Kernel(lower_one_hot),),
        evaluate=evaluate,
        version=1,
        samples=samples(sample, _TYPES),
    ),
)
