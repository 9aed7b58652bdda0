"""What is known at compile time of IF and WHILE."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from relocatable.graph.graph import Graph, Op, Tensor
from relocatable.ops.control_flow import IF, WHILE


def is_whole(op: Op) -> bool:
    """Tell whether an operator has the inputs and subgraphs that it must have."""
    if op.kind not in (IF, WHILE) or not op.inputs or -1 in op.inputs:
        return False
    given, outputs = len(arguments(op)), len(op.outputs)
    first, second = op.subgraphs
    if not len(first.inputs) == len(second.inputs) == given:
        return False
    if op.kind == IF:
        return len(first.outputs) == len(second.outputs) == outputs
    return len(first.outputs) == 1 and len(second.outputs) == given == outputs


def arguments(op: Op) -> tuple[int, ...]:
    """List what an operator passes to its subgraphs."""
    return op.inputs[1:] if op.kind == IF else op.inputs


def with_constants(
    op: Op, tensors: Sequence[Tensor], kept: Collection[int]
) -> tuple[Op, dict[int, int]]:
    """Put constants that an operator passes to its subgraphs into them.

    Args:
        op: a whole IF or WHILE.
        tensors: of its graph, as far as they are known.
        kept: those that are wanted after the last operator.

    Returns:
        The operator without them; and outputs that are always equal to an input -> that input.
    """
    first, second = op.subgraphs
    given = arguments(op)
    known: dict[int, Tensor] = {}
    for i, index in enumerate(given):
        inner = [graph.tensors[graph.inputs[i]] for graph in op.subgraphs]
        outer = tensors[index]
        fits = all((t.dtype, t.count) == (outer.dtype, outer.count) for t in inner)
        stays = op.kind == IF or (
            second.outputs[i] == second.inputs[i] and op.outputs[i] not in kept
        )
        if outer.data is not None and fits and stays:
            known[i] = outer
    rest = [i for i in range(len(given)) if i not in known]
    graphs = [_with_known(graph, known, rest) for graph in (first, second)]
    inputs = tuple(given[i] for i in rest)
    if op.kind == IF:
        return replace(op, inputs=(op.inputs[0], *inputs), subgraphs=tuple(graphs)), {}
    graphs[1] = replace(graphs[1], outputs=tuple(second.outputs[i] for i in rest))
    outputs = tuple(op.outputs[i] for i in rest)
    found = replace(op, inputs=inputs, outputs=outputs, subgraphs=tuple(graphs))
    return found, {op.outputs[i]: given[i] for i in known}


def _with_known(graph: Graph, known: dict[int, Tensor], rest: Sequence[int]) -> Graph:
    tensors = list(graph.tensors)
    for i, given in known.items():
        inner = graph.inputs[i]
        data = np.asarray(given.data).reshape(tensors[inner].shape)
        tensors[inner] = replace(tensors[inner], data=data)
    return replace(graph, tensors=tuple(tensors), inputs=tuple(graph.inputs[i] for i in rest))


def always_done(op: Op, tensors: Sequence[Tensor]) -> Graph | None:
    """Find the graph that an operator always is; None if that is unknown."""
    first, second = op.subgraphs
    if op.kind == IF:
        flag = tensors[op.inputs[0]].data
        return None if flag is None or flag.size != 1 else first if flag.reshape(-1)[0] else second
    flag = first.tensors[first.outputs[0]].data
    if flag is None or flag.size != 1 or flag.reshape(-1)[0]:
        return None
    return replace(first, ops=(), outputs=first.inputs)
