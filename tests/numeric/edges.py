"""Edges of an operator: shapes and windows that a sample seldom has."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from relocatable.graph.edit import int_attr
from relocatable.graph.graph import Graph
from relocatable.ops._shared.images import random_length

Shape = tuple[int, ...]
# More values of a row may overflow in LiteRT's SOFTMAX of bytes, which aborts then.
_MOST_IN_A_ROW = 4000
WINDOWS = ("AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "L2_POOL_2D", "MAX_POOL_2D")


def other_shapes(graph: Graph) -> Iterator[tuple[str, Graph]]:
    """Give other shapes to one computed tensor, or to all of them.

    Yields:
        What was done, and the graph. Most of them break a rule.
    """
    states = {i for state in graph.states for i in (state.first, state.last)}
    computed = [i for i, t in enumerate(graph.tensors) if t.data is None and i not in states]
    names = list(_shapes((1,)))
    if max(tensor.count for tensor in graph.tensors) > _MOST_IN_A_ROW:
        names.remove("flat")
    for name in names:
        for chosen in ([i] for i in computed):
            yield f"{name} {chosen}", _reshaped(graph, chosen, name)
        yield f"{name} all", _reshaped(graph, computed, name)


def _shapes(shape: Shape) -> dict[str, Shape]:
    first, last = shape[:1] or (1,), shape[-1:] or (1,)
    return {
        "scalar": (),
        "no values": (0, *shape[1:]),
        "no values at the end": (*shape[:-1], 0),
        "flat": (int(np.prod(shape)),),
        "rank + 1": (1, *shape),
        "rank + 2": (1, 1, *shape),
        "rank 6": (*(1,) * (6 - len(shape)), *shape),
        "rank - 1": shape[1:],
        "twice the batch": (2 * first[0], *shape[1:]),
        "longer": (*shape[:-1], last[0] + 1),
    }


def _reshaped(graph: Graph, chosen: list[int], name: str) -> Graph:
    tensors = list(graph.tensors)
    for i in chosen:
        tensors[i] = replace(tensors[i], shape=_shapes(tensors[i].shape)[name])
    return replace(graph, tensors=tuple(tensors))


def other_windows(graph: Graph) -> Iterator[tuple[str, Graph]]:
    """Give other strides, dilations, paddings and images to an operator with a window."""
    [op] = graph.ops
    x, y = op.inputs[0], op.outputs[0]
    is_pool = "filter_height" in op.attrs
    window: Shape = tuple(int_attr(op, f"filter_{side}") for side in ("height", "width") if is_pool)
    window = window or graph.tensors[op.inputs[1]].shape[1:3]
    for same, stride, dilation, extra in itertools.product(
        (False, True), (1, 2, 7), (1,) if is_pool else (1, 2, 3), (-1, 0, 1, 6)
    ):
        # How far the window reaches, and an image that is smaller, as large, or larger.
        reach = [(k - 1) * dilation + 1 for k in window]
        size = [max(1, r + extra) for r in reach]
        if not same and min(n - r for n, r in zip(size, reach, strict=True)) < 0:
            continue
        steps = {"stride_h": stride, "stride_w": stride}
        if not is_pool:
            steps |= {"dilation_h_factor": dilation, "dilation_w_factor": dilation}
        attrs = {**op.attrs, **steps, "padding": "SAME" if same else "VALID"}
        made = [
            random_length(n, k, stride, dilation, same) for n, k in zip(size, window, strict=True)
        ]
        tensors = list(graph.tensors)
        for batch in (1, 2):
            for i, (height, width) in ((x, size), (y, made)):
                shape = (batch, height, width, tensors[i].shape[3])
                tensors[i] = replace(tensors[i], shape=shape)
            name = f"{size} by {window}, stride {stride}, dilation {dilation}, batch {batch}"
            yield name, replace(graph, tensors=tuple(tensors), ops=(replace(op, attrs=attrs),))
