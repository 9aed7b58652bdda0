"""What operators that resize images share."""

from __future__ import annotations

from collections.abc import Mapping

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import AttrValue, Graph
from relocatable.ops._shared.images import random_batch
from relocatable.ops._shared.random import random_quant
from relocatable.ops.node import Node
from relocatable.ops.operator import Rng, Seen

MOST_PIXELS = 1 << 14  # of a row or a column


def resized_shape(node: Node) -> Seen:
    """output must be [N, size[0], size[1], C] for C input channels"""
    source, output, size = node.inputs[0].shape, node.output.shape, node.integers(1)
    ok = source[3] == output[3] and size == list(output[1:3])
    return ok, f"{list(source)} to {size} -> {list(output)}"


def table_length(node: Node) -> Seen:
    """output must have at most 16384 rows and columns"""
    size = node.output.shape[1:3]
    return max(size) <= MOST_PIXELS, f"{list(size)}"


def resize_sample(rng: Rng, kind: str, dtype: str, attrs: Mapping[str, AttrValue]) -> Graph:
    """Make a graph of one resize of any sizes."""
    h, w, c, out_h, out_w = (int(v) for v in rng.integers(1, 14, 5))
    b, n = GraphBuilder(), random_batch(rng)
    quant = random_quant(rng, dtype)
    x = b.input(n, h, w, c, dtype=dtype, quant=quant)
    y = b.tensor(n, out_h, out_w, c, dtype=dtype, quant=quant)
    return b.graph(b.op(kind, (x, b.constant([out_h, out_w])), y, **attrs))
