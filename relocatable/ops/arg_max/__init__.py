"""ARG_MAX and ARG_MIN."""

from __future__ import annotations

import math

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Sample,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_TYPES = ("int8", "uint8", "int32", "float32")


def one_axis(node: Node) -> Seen:
    """axis must be one of the input's, and the output must have the others"""
    source, axes = node.inputs[0].shape, node.integers(1)
    text = f"{axes} of {list(source)} -> {list(node.output.shape)}"
    if len(axes) != 1 or not -len(source) <= axes[0] < len(source):
        return False, text
    axis = axes[0] % len(source)
    return node.output.shape == source[:axis] + source[axis + 1 :], text


def lower_arg(site: Site) -> KernelCall:
    """Lower a search along one axis."""
    shape = site.input(0).shape
    axis = site.node.integers(1)[0] % len(shape)
    params: dict[str, CValue] = {
        "outer": math.prod(shape[:axis]),
        "depth": shape[axis],
        "inner": math.prod(shape[axis + 1 :]),
        "words": np.dtype(site.output.dtype).itemsize // 4,
        "is_smallest": int(site.op.kind == "ARG_MIN"),
    }
    arguments = (Input(0), Output("int32_t"))
    call = CCall("xn_arg_max", arguments, params, dtype=site.input(0).dtype)
    return site.call("arg_max/arg_max.c", call)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Find the first of the largest or smallest values."""
    find = np.argmin if node.op.kind == "ARG_MIN" else np.argmax
    return np.asarray(find(inputs[0], axis=int(inputs[1].reshape(-1)[0])), node.output.dtype)


def _sample(kind: str) -> Sample:
    def sample(rng: Rng, dtype: str) -> Graph:
        """Make a graph that searches along any axis, named from either end."""
        rank = int(rng.integers(1, 6))
        shape = [int(v) for v in rng.integers(1, 7, rank)]
        axis = int(rng.integers(-rank, rank))
        result = str(rng.choice(INTEGERS))
        b = GraphBuilder()
        x = b.input(*shape, dtype=dtype, quant=random_quant(rng, dtype))
        del shape[axis]
        y = b.tensor(*shape, dtype=result)
        where = b.constant(axis if rng.random() < 0.5 else [axis], str(rng.choice(INTEGERS)))
        return b.graph(b.op(kind, (x, where), y, output_type=result.upper()))

    return sample


def _operator(kind: str, table: str) -> Operator:
    return Operator(
        kind=kind,
        options=Options(table, ("output_type",), {"output_type": "TensorType"}),
        operands=(Operand("input", _TYPES), Operand("axis", INTEGERS, constant=True)),
        output=INTEGERS,
        shape=one_axis,
        kernels=(Kernel(lower_arg),),
        evaluate=evaluate,
        samples=samples(_sample(kind), _TYPES),
    )


OPERATORS = (_operator("ARG_MAX", "ArgMaxOptions"), _operator("ARG_MIN", "ArgMinOptions"))
