"""Layers whose filters can be stored packed: few values, many zeros, or both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from relocatable.graph.graph import Graph

Filter = npt.NDArray[Any]
# How a filter is made from a random one: see `changed`.
CHANGES = ("one", "few", "sixteen", "seventeen", "by channel", "sparse", "sparse few")


def with_filter(graph: Graph, values: Filter) -> Graph:
    """Give the graph's only layer another filter."""
    at = graph.ops[0].inputs[1]
    tensors = list(graph.tensors)
    tensors[at] = replace(tensors[at], data=values)
    return replace(graph, tensors=tuple(tensors))


def filter_of(graph: Graph) -> Filter:
    """Read the filter of the graph's only layer."""
    data = graph.tensors[graph.ops[0].inputs[1]].data
    assert data is not None
    return np.asarray(data)


def changed(rng: np.random.Generator, filter_: Filter, change: str) -> Filter:
    """Take a filter to what can be packed: its first dimension is the output channels."""
    rows = filter_.reshape(len(filter_), -1).copy()
    zero = 0 if rows.dtype != np.uint8 else int(rng.integers(0, 256))
    match change:
        case "one":
            rows[:] = rows[0, 0]
        case "few":
            rows = _clustered(rng, rows, 4)
        case "sixteen":
            rows = _clustered(rng, rows, 16)
        case "seventeen":
            rows = _clustered(rng, rows, 17)
        case "by channel":
            rows = np.concatenate([_clustered(rng, row[None], 15) for row in rows])
        case "sparse":
            rows[rng.random(rows.shape) < 0.6] = zero
        case _:
            rows = _clustered(rng, rows, 15)
            rows[rng.random(rows.shape) < 0.6] = zero
    return rows.reshape(filter_.shape)


def _clustered(rng: np.random.Generator, rows: Filter, count: int) -> Filter:
    book = rng.choice(np.unique(rows), count)
    found: Filter = rng.choice(book, rows.shape)
    found.reshape(-1)[: min(found.size, count)] = book[: found.size]
    return found
