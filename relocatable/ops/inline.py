"""Put the operators of a called graph in place of the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from relocatable.graph.graph import Graph, GraphError, Op, Tensor


def inline(tensors: list[Tensor], op: Op, called: Graph, arguments: Sequence[int]) -> list[Op]:
    """Make the operators that a call does.

    Args:
        tensors: of the graph that the call is in; those of the called graph are added.
        op: the call; it writes its outputs.
        called: what it calls.
        arguments: the call's inputs for each of the called graph's.

    Raises:
        GraphError: inputs or outputs are not as many, or not of the same types and sizes.
    """
    counts = len(arguments), len(op.outputs)
    if counts != (len(called.inputs), len(called.outputs)):
        raise GraphError(
            f"{op.kind} '{op.name}': called graph must have {counts[0]} inputs and {counts[1]} "
            f"outputs; has {len(called.inputs)} and {len(called.outputs)}"
        )
    written = {i for inner in called.ops for i in inner.outputs}
    place: dict[int, int] = {-1: -1}
    before: list[Op] = []
    after: list[Op] = []

    def add(tensor: Tensor) -> int:
        tensors.append(tensor)
        return len(tensors) - 1

    for inner, outer in zip(called.inputs, arguments, strict=True):
        if outer == -1:
            place[inner] = -1
            continue
        described, given = called.tensors[inner], tensors[outer]
        _check_same(op, described, given)
        if alike(described, given):
            place[inner] = outer
        elif given.data is not None:
            data = np.asarray(given.data).reshape(described.shape)
            place[inner] = add(replace(described, data=data))
        else:
            place[inner] = add(described)
            before.append(Op("RESHAPE", given.name, (outer,), (place[inner],)))
    for inner, outer in zip(called.outputs, op.outputs, strict=True):
        described, wanted = called.tensors[inner], tensors[outer]
        _check_same(op, described, wanted)
        if inner in written and inner not in place and alike(described, wanted):
            place[inner] = outer
            continue
        if inner not in place:
            place[inner] = add(described)
        after.append(Op("RESHAPE", wanted.name, (place[inner],), (outer,)))
    for index, tensor in enumerate(called.tensors):
        if index not in place:
            place[index] = add(tensor)
    moved = [
        replace(
            inner,
            inputs=tuple(place[i] for i in inner.inputs),
            outputs=tuple(place[i] for i in inner.outputs),
        )
        for inner in called.ops
    ]
    return [*before, *moved, *after]


def alike(a: Tensor, b: Tensor) -> bool:
    """Tell whether two tensors have the same type, shape and meaning."""
    return (a.dtype, a.shape, a.quant) == (b.dtype, b.shape, b.quant)


def _check_same(op: Op, inner: Tensor, outer: Tensor) -> None:
    if (inner.dtype, inner.count) != (outer.dtype, outer.count):
        raise GraphError(
            f"{op.kind} '{op.name}': called graph must have {outer.dtype} {outer.shape} for "
            f"'{inner.name}'; has {inner.dtype} {inner.shape}"
        )
