"""TRANSPOSE of up to six dimensions."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import MOVABLE, kept_scale, kept_type
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_RANK = 6


def permutation(node: Node) -> Seen:
    """perm must name each of at most 6 dimensions once"""
    perm, rank = node.integers(1), len(node.inputs[0].shape)
    return rank <= _RANK and sorted(perm) == list(range(rank)), f"{perm} of {rank}"


def permuted_shape(node: Node) -> Seen:
    """output must have the input's dimensions in the order of perm"""
    source, perm, output = node.inputs[0].shape, node.integers(1), node.output.shape
    ok = tuple(source[p] for p in perm) == output
    return ok, f"{list(source)} by {perm} -> {list(output)}"


def lower_transpose(site: Site) -> KernelCall:
    """Lower TRANSPOSE; bytes that stay together move as one element."""
    shape, perm = site.input(0).shape, site.node.integers(1)
    strides = [int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape))]
    loops: list[tuple[int, int]] = []  # size and stride, outermost first
    for p in perm:
        size, stride = shape[p], strides[p]
        if size == 1:
            continue
        if loops and loops[-1][1] == size * stride:
            loops[-1] = (loops[-1][0] * size, stride)
        else:
            loops.append((size, stride))
    loops = [(1, 0)] * (_RANK - len(loops)) + loops
    params: dict[str, CValue] = {
        "size": [size for size, _ in loops],
        "stride": [stride for _, stride in loops],
    }
    # Values are only moved: types of one width share an instance.
    bits = f"uint{8 * np.dtype(site.output.dtype).itemsize}"
    pointers = (Input(0, f"{bits}_t"), Output(f"{bits}_t"))
    call = CCall("xn_transpose", pointers, params, dtype=bits)
    return site.call("transpose/transpose.c", call)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Exchange dimensions."""
    return np.transpose(inputs[0], [int(p) for p in inputs[1].reshape(-1)])


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of any rank and order."""
    rank = int(rng.integers(1, _RANK + 1))
    shape = [int(v) for v in rng.integers(1, 5, rank)]
    perm = [int(p) for p in rng.permutation(rank)]
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    x = b.input(*shape, dtype=dtype, quant=quant)
    y = b.tensor(*(shape[p] for p in perm), dtype=dtype, quant=quant)
    return b.graph(b.op("TRANSPOSE", (x, b.constant(perm)), y))


OPERATORS = (
    Operator(
        kind="TRANSPOSE",
        operands=(Operand("input", MOVABLE), Operand("perm", ("int32",), constant=True)),
        output=MOVABLE,
        rules=(kept_type, kept_scale, permutation),
        shape=permuted_shape,
        kernels=(Kernel(lower_transpose),),
        evaluate=evaluate,
        folds="constants",
        version=4,
        samples=samples(sample, MOVABLE),
    ),
)
