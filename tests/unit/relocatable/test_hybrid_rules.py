"""What layers of float32 with int8 weights are refused for, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from relocatable.errors import UnsupportedError
from relocatable.graph.graph import Graph, Quant, Tensor
from relocatable.ops import OPERATORS
from relocatable.ops._shared.layer import HYBRID
from relocatable.support import check_support

Change = Callable[[Tensor], Tensor]


def changed(kind: str, index: int, change: Change) -> Graph:
    """Make a sample with channels of several scales and change one of its tensors."""
    rng = np.random.default_rng(3)
    while True:
        graph = OPERATORS[kind].samples[HYBRID](rng, HYBRID)
        quant = graph.tensors[graph.ops[0].inputs[1]].quant
        if kind != "CONV_2D" or (quant is not None and len(quant.scale) > 1):
            break
    tensors, at = list(graph.tensors), graph.ops[0].inputs[index]
    tensors[at] = change(tensors[at])
    return replace(graph, tensors=tuple(tensors))


def one_scale(tensor: Tensor) -> Tensor:
    return replace(tensor, quant=Quant((0.5,), (0,)))


def no_scale(tensor: Tensor) -> Tensor:
    return replace(tensor, quant=None)


def zero_point(tensor: Tensor) -> Tensor:
    assert tensor.quant is not None
    return replace(tensor, quant=replace(tensor.quant, zero_point=(3,) * len(tensor.quant.scale)))


def computed(tensor: Tensor) -> Tensor:
    return replace(tensor, data=None)


@pytest.mark.parametrize(
    ("kind", "index", "change", "rule"),
    [
        ("CONV_2D", 1, no_scale, "filter must have one scale, or one for each output channel"),
        ("CONV_2D", 1, zero_point, "and zero point 0"),
        ("DEPTHWISE_CONV_2D", 1, one_scale, "must have a scale for each output channel"),
        ("FULLY_CONNECTED", 1, no_scale, "filter must have one scale"),
        ("FULLY_CONNECTED", 1, zero_point, "zero point 0"),
        ("FULLY_CONNECTED", 1, computed, "computed must .* not be int8 for float32"),
        ("TRANSPOSE_CONV", 1, zero_point, "and zero point 0"),
        ("BATCH_MATMUL", 1, zero_point, "constant matrix with zero point 0"),
        ("BATCH_MATMUL", 1, computed, "constant matrix with zero point 0"),
        ("EMBEDDING_LOOKUP", 1, zero_point, "must have zero point 0"),
        ("SVDF", 1, no_scale, "integer tensors must have one scale each"),
        ("SVDF", 2, zero_point, "weights and a state of 16 bits the zero point 0"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", 6, zero_point, "must have one scale each and zero point"),
    ],
)
def test_refusals(kind: str, index: int, change: Change, rule: str) -> None:
    with pytest.raises(UnsupportedError, match=rule):
        check_support(changed(kind, index, change))


def test_groups_of_one_scale_are_refused() -> None:
    rng = np.random.default_rng(4)
    while True:
        graph = OPERATORS["CONV_2D"].samples[HYBRID](rng, HYBRID)
        source, weights = (graph.tensors[i] for i in graph.ops[0].inputs[:2])
        if weights.shape[3] < source.shape[3]:
            break
    check_support(graph)
    tensors = list(graph.tensors)
    tensors[graph.ops[0].inputs[1]] = one_scale(weights)
    with pytest.raises(UnsupportedError, match="that has groups must have channels of different"):
        check_support(replace(graph, tensors=tuple(tensors)))
