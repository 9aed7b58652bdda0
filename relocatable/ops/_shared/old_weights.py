"""Weights of layers of float32 by int8 as old converters wrote them.

These are int8 values in tensors of uint8 with zero point 0. LiteRT's kernels read their bytes as
int8, whatever the tensor says; its CONV_2D computes with them in another order, and is left alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relocatable.graph.graph import Graph, Op, Tensor

_LAYERS = ("FULLY_CONNECTED", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM")


def with_signed_weights(graph: Graph) -> Graph:
    """Give such weights, which no other operator reads, their real type."""
    layers = [op for op in graph.ops if _is_layer(graph, op)]
    found = {i for op in layers for i in op.inputs[1:] if i != -1 and _is_old(graph.tensors[i])}
    if not found:
        return graph
    others = {i for op in graph.ops if op not in layers for i in op.inputs}
    tensors = list(graph.tensors)
    for i in found - others - graph.kept:
        data = np.asarray(tensors[i].data).view(np.int8)
        tensors[i] = replace(tensors[i], dtype="int8", data=data)
    return replace(graph, tensors=tuple(tensors))


def _is_layer(graph: Graph, op: Op) -> bool:
    first = op.inputs[0] if op.inputs else -1
    return op.kind in _LAYERS and first != -1 and graph.tensors[first].dtype == "float32"


def _is_old(tensor: Tensor) -> bool:
    quant = tensor.quant
    is_bytes = tensor.dtype == "uint8" and tensor.data is not None
    return is_bytes and quant is not None and not any(quant.zero_point)
