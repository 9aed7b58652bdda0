"""GATHER, EMBEDDING_LOOKUP and GATHER_ND: parts of a tensor that indices choose.

LiteRT stops at a run-time index that is out of range; here the nearest one counts, so nothing
outside of the tensor is read.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.hybrid import scales_of
from relocatable.ops._shared.layer import HYBRID
from relocatable.ops._shared.layer_sample import filter_quant
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.types import INTEGERS, kept_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Rule,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_SOURCE = "gather/gather.c"
_MOST_INDICES = 8  # for one run of GATHER_ND
_SAMPLED = ("int8", "uint8", "int16", "int32", "int64", "float32", "bool")


class Choice(NamedTuple):
    """A gather along one axis.

    Attributes:
        data: index of the operand to choose from.
        indices: index of the operand that chooses.
        axis: of the data.
        batch_dims: leading dimensions that both share.
    """

    data: int
    indices: int
    axis: int
    batch_dims: int


def choice_of(node: Node) -> Choice:
    """Read the options, whose axes may count from the end."""
    if node.op.kind == "EMBEDDING_LOOKUP":
        return Choice(1, 0, 0, 0)
    axis, batch_dims = node.integer("axis"), node.integer("batch_dims")
    data, indices = (len(t.shape) for t in node.inputs)
    return Choice(
        0,
        1,
        axis + data if axis < 0 else axis,
        batch_dims + indices if batch_dims < 0 else batch_dims,
    )


def axis_in_range(node: Node) -> Seen:
    """axis must be one of the input's, and batch_dims leading dimensions, at most as many as the
    axis, must be the same in input and indices"""
    choice = choice_of(node)
    data, indices = (node.inputs[i].shape for i in choice[:2])
    batch = choice.batch_dims
    ok = 0 <= batch <= choice.axis < len(data) and batch <= len(indices)
    return ok and data[:batch] == indices[:batch], f"{list(data)} by {list(indices)}: {choice[2:]}"


def one_row_of_indices(node: Node) -> Seen:
    """indices must have one dimension, and the table at least two"""
    indices, table = (t.shape for t in node.inputs)
    return len(indices) == 1 and len(table) >= 2, f"{list(table)} by {list(indices)}"


def gathered_shape(node: Node) -> Seen:
    """output must be the input's shape with that of the indices in place of the axis"""
    choice = choice_of(node)
    data, indices = (node.inputs[i].shape for i in choice[:2])
    shape = data[: choice.axis] + indices[choice.batch_dims :] + data[choice.axis + 1 :]
    return node.output.shape == shape, f"{list(node.output.shape)}, not {list(shape)}"


def indexed_dimensions(node: Node) -> Seen:
    """indices must be [.., K] for K of the input's dimensions, at most 8"""
    data, indices = node.inputs[0].shape, node.inputs[1].shape
    ok = len(indices) > 0 and 1 <= indices[-1] <= min(len(data), _MOST_INDICES)
    return ok, f"{list(data)} by {list(indices)}"


def gathered_nd_shape(node: Node) -> Seen:
    """output must be the indices' shape without K and the input's without its first K dimensions"""
    data, indices, output = node.inputs[0].shape, node.inputs[1].shape, node.output.shape
    shape = indices[:-1] + data[indices[-1] :]
    return output == shape, f"{list(output)}, not {list(shape)}"


def kept_data_type(node: Node) -> Seen:
    """output must have the type of what is chosen from"""
    data = node.inputs[choice_of(node).data] if node.op.kind != "GATHER_ND" else node.inputs[0]
    return data.dtype == node.output.dtype, f"{data.dtype} -> {node.output.dtype}"


def table_types(node: Node) -> Seen:
    """output must have the table's type, or be float32 of an int8 table"""
    table = node.inputs[1].dtype
    ok = node.output.dtype in (table, "float32" if table == "int8" else table)
    return ok, f"{table} -> {node.output.dtype}"


def table_scales(node: Node) -> Seen:
    """table and output of 8 or 16 bits must have the same scale and zero point; an int8 table of a
    float32 output must have zero point 0, and one scale or one for each row"""
    if not _is_hybrid(node):
        return kept_scale(node)
    quant = node.inputs[1].quant
    ok = quant is not None and quant.axis in (None, 0) and not any(quant.zero_point)
    return ok, str(quant)


def _is_hybrid(node: Node) -> bool:
    return node.inputs[1].dtype != node.output.dtype


def constant_indices(node: Node) -> Seen:
    """indices that are constants must be inside of what they choose from"""
    choice = choice_of(node)
    return _inside(node, choice.indices, (node.inputs[choice.data].shape[choice.axis],))


def constant_nd_indices(node: Node) -> Seen:
    """indices that are constants must be inside of what they choose from"""
    rank = node.inputs[1].shape[-1]
    return _inside(node, 1, node.inputs[0].shape[:rank])


def _inside(node: Node, i: int, sizes: tuple[int, ...]) -> Seen:
    data: Array | None = node.inputs[i].data
    if data is None or data.size == 0:
        return True, ""
    flat = data.reshape(-1, len(sizes))
    ok = bool(((flat >= 0) & (flat < np.array(sizes))).all())
    return ok, f"{flat.min()} to {flat.max()} of {list(sizes)}"


def lower_gather(site: Site) -> KernelCall:
    """Lower a gather along one axis: values are only moved, by their width."""
    choice = choice_of(site.node)
    shape = site.input(choice.data).shape
    batches = math.prod(shape[: choice.batch_dims])
    run, dtype = _run(site, choice.data, choice.axis + 1)
    params: dict[str, CValue] = {
        "batches": batches,
        "outer": math.prod(shape[choice.batch_dims : choice.axis]),
        "depth": shape[choice.axis],
        "count": site.input(choice.indices).count // batches,
        "words": _words(site, choice.indices),
        "run": run,
    }
    pointers = (Input(0, f"{dtype}_t"), Input(1, "int32_t"), Output(f"{dtype}_t"))
    return site.call(_SOURCE, CCall("xn_gather", pointers, params, dtype=dtype), inputs=choice[:2])


def lower_embedding(site: Site) -> KernelCall:
    """Lower a table of int8 whose rows become floats."""
    table, scales = site.input(1), scales_of(site.input(1))
    params: dict[str, CValue] = {
        "count": site.input(0).count,
        "rows": table.shape[0],
        "run": math.prod(table.shape[1:]),
        "step": int(len(scales) > 1),
    }
    call = CCall("xn_embedding", (Input(0), Input(1), Constant("scale"), Output()), params)
    return site.call("gather/embedding.c", call, weights={"scale": scales}, inputs=(0, 1))


def lower_gather_nd(site: Site) -> KernelCall:
    """Lower a gather by several indices for each run."""
    shape, rank = site.input(0).shape, site.input(1).shape[-1]
    run, dtype = _run(site, 0, rank)
    params: dict[str, CValue] = {
        "count": site.input(1).count // rank,
        "rank": rank,
        "words": _words(site, 1),
        "run": run,
        "size": [*shape[:rank], *[1] * (_MOST_INDICES - rank)],
    }
    pointers = (Input(0, f"{dtype}_t"), Input(1, "int32_t"), Output(f"{dtype}_t"))
    return site.call(_SOURCE, CCall("xn_gather_nd", pointers, params, dtype=dtype), inputs=(0, 1))


def _words(site: Site, i: int) -> int:
    return np.dtype(site.input(i).dtype).itemsize // 4


def _run(site: Site, i: int, axis: int) -> tuple[int, str]:
    """Measure what one index chooses in the widest elements that it consists of."""
    data = site.input(i)
    size = math.prod(data.shape[axis:]) * np.dtype(data.dtype).itemsize
    width = math.gcd(size, 4)
    return size // width, f"uint{8 * width}"


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Take parts along one axis.

    Raises:
        ValueError: shapes or indices do not fit.
    """
    _check(node, axis_in_range, gathered_shape)
    choice = choice_of(node)
    data, indices = inputs[choice.data], inputs[choice.indices]
    size = data.shape[choice.axis]
    batches = math.prod(data.shape[: choice.batch_dims])
    outer = math.prod(data.shape[choice.batch_dims : choice.axis])
    inside = _checked(indices, np.array(size)).reshape(batches, -1)
    apart = data.reshape(batches, outer, size, -1)
    found = [values[:, chosen] for values, chosen in zip(apart, inside, strict=True)]
    return np.stack(found).reshape(node.output.shape)


def evaluate_embedding(node: Node, inputs: list[Array]) -> Array:
    """Take rows of the table; those of int8 become floats."""
    rows = evaluate(node, inputs)
    if not _is_hybrid(node):
        return rows
    scales = scales_of(node.inputs[1])
    by_row = scales[inputs[0] if len(scales) > 1 else 0]
    return rows.astype(np.float32) * by_row.reshape(-1, *[1] * (rows.ndim - 1))


def evaluate_nd(node: Node, inputs: list[Array]) -> Array:
    """Take what the rows of the indices point to.

    Raises:
        ValueError: shapes or indices do not fit.
    """
    _check(node, indexed_dimensions, gathered_nd_shape)
    data, indices = inputs
    rank = indices.shape[-1]
    inside = _checked(indices.reshape(-1, rank), np.array(data.shape[:rank]))
    return np.asarray(data[tuple(inside.T)]).reshape(node.output.shape)


def _check(node: Node, *rules: Rule) -> None:
    for ok, seen in (rule(node) for rule in rules):
        if not ok:
            raise ValueError(seen)


def _checked(indices: Array, sizes: Array) -> Array:
    if bool(((indices < 0) | (indices >= sizes)).any()):
        raise ValueError(f"indices must be in [0, {sizes})")
    return indices


def sample_gather(rng: Rng, dtype: str) -> Graph:
    """Make a graph of any axis, with batches or without; indices may be constant."""
    rank = int(rng.integers(1, 5))
    shape = [int(v) for v in rng.integers(1, 6, rank)]
    axis = int(rng.integers(0, rank))
    batch = int(rng.integers(0, axis + 1)) if rng.random() < 0.5 else 0
    chosen = shape[:batch] + [int(v) for v in rng.integers(1, 5, int(rng.integers(0, 3)))]
    output = shape[:axis] + chosen[batch:] + shape[axis + 1 :]
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    x = b.input(*shape, dtype=dtype, quant=quant)
    indices = _sample_indices(rng, b, chosen, rng.integers(0, shape[axis], chosen))
    signed = axis - rank if rng.random() < 0.3 else axis
    y = b.tensor(*output, dtype=dtype, quant=quant)
    return b.graph(b.op("GATHER", (x, indices), y, axis=signed, batch_dims=batch))


def sample_embedding(rng: Rng, dtype: str) -> Graph:
    """Make a graph that looks rows of a table up."""
    shape = [int(v) for v in rng.integers(1, 6, int(rng.integers(2, 5)))]
    count = int(rng.integers(1, 6))
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    ids = b.input(count, dtype="int32")
    if dtype == HYBRID:
        quant = filter_quant(rng, "int8", shape[0], 0, 0.05, 0.5)
        table = b.constant(rng.integers(-128, 128, shape), "int8", quant)
        dtype = "float32"
    else:
        table = b.input(*shape, dtype=dtype, quant=quant)
    y = b.tensor(count, *shape[1:], dtype=dtype, quant=quant)
    return b.graph(b.op("EMBEDDING_LOOKUP", (ids, table), y))


def sample_gather_nd(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one to all of the input's dimensions; indices may be constant."""
    rank = int(rng.integers(1, 5))
    shape = [int(v) for v in rng.integers(1, 6, rank)]
    depth = int(rng.integers(1, rank + 1))
    outer = [int(v) for v in rng.integers(1, 5, int(rng.integers(0, 3)))]
    b = GraphBuilder()
    quant = random_quant(rng, dtype)
    x = b.input(*shape, dtype=dtype, quant=quant)
    values = rng.integers(0, shape[:depth], (*outer, depth))
    indices = _sample_indices(rng, b, [*outer, depth], values)
    y = b.tensor(*outer, *shape[depth:], dtype=dtype, quant=quant)
    return b.graph(b.op("GATHER_ND", (x, indices), y))


def _sample_indices(rng: Rng, b: GraphBuilder, shape: list[int], values: Array) -> int:
    dtype = str(rng.choice(INTEGERS))
    return b.constant(values, dtype) if rng.random() < 0.4 else b.input(*shape, dtype=dtype)


def _below(node: Node) -> int:
    choice = choice_of(node)
    return node.inputs[choice.data].shape[choice.axis]


def _below_nd(node: Node) -> int:
    return min(node.inputs[0].shape[: node.inputs[1].shape[-1]])


OPERATORS = (
    Operator(
        kind="GATHER",
        options=Options("GatherOptions", ("axis", "batch_dims")),
        operands=(Operand("input", ANY), Operand("indices", INTEGERS, below=_below)),
        output=ANY,
        rules=(kept_data_type, kept_scale, axis_in_range, constant_indices),
        shape=gathered_shape,
        kernels=(Kernel(lower_gather),),
        evaluate=evaluate,
        folds="constants",
        version=5,
        samples=samples(sample_gather, _SAMPLED),
    ),
    Operator(
        kind="EMBEDDING_LOOKUP",
        operands=(Operand("indices", ("int32",), below=_below), Operand("table", ANY)),
        output=ANY,
        rules=(one_row_of_indices, table_types, table_scales, constant_indices),
        shape=gathered_shape,
        kernels=(
            Kernel(lower_embedding, takes=lambda site: _is_hybrid(site.node)),
            Kernel(lower_gather),
        ),
        evaluate=evaluate_embedding,
        samples=samples(
            sample_embedding, ("int8", "uint8", "int16", "int32", "int64", "float32", HYBRID)
        ),
    ),
    Operator(
        kind="GATHER_ND",
        operands=(Operand("input", ANY), Operand("indices", INTEGERS, below=_below_nd)),
        output=ANY,
        rules=(kept_data_type, kept_scale, indexed_dimensions, constant_nd_indices),
        shape=gathered_nd_shape,
        kernels=(Kernel(lower_gather_nd),),
        evaluate=evaluate_nd,
        folds="constants",
        version=5,
        samples=samples(sample_gather_nd, _SAMPLED),
    ),
)
