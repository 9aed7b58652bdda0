"""Scales, zero points and factors at their ends: refused, or as LiteRT has it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from relocatable.compile import lower
from relocatable.errors import UnsupportedError
from relocatable.graph.graph import Graph, Quant, Tensor
from relocatable.ops import OPERATORS
from relocatable.ops.operator import Rng
from relocatable.ops.select_kernels import select_kernels
from relocatable.read_tflite import read_tflite
from relocatable.targets import TARGETS
from tests.make_tflite import make_tflite
from tests.numeric.harness import build, describe, inputs_of, mismatch, reference

_COUNT = 60
_LEAST, _MOST = 1.4e-45, 3.3e38
_SCALES = [1.4e-45, 1.2e-38, 1e-30, 1e-20, 1e-10, 1e-8, 1e-6, 1e-4, 1e-3, 0.05, 1.0]
_SCALES += [30.0, 1e3, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e20, 3e38]
_FACTORS = [1e-45, 1e-38, 1e-20, 1e-10, 1e-3, 1.0, 10.0, 1e3, 1e6, 1e10, 1e20, 1e30, 3e38]
# Of what a custom operator does not find, LiteRT says nothing: tests of its own look at the rest.
_KINDS = [
    o.kind
    for o in OPERATORS.values()
    if {"int8", "uint8"} & {*o.samples} - {*o.micro} and not o.kind.startswith("CUSTOM")
]


_PRODUCTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL")
_CASES = [
    *((kind, ("int8", "uint8")) for kind in _KINDS),
    *((kind, ("int16",)) for kind in _PRODUCTS),
]


@pytest.mark.few(12)
@pytest.mark.parametrize(("kind", "dtypes"), _CASES)
def test_extreme_scales(kind: str, dtypes: tuple[str, ...]) -> None:
    rng = np.random.default_rng(77)
    graphs = [_extreme(rng, kind, dtypes) for _ in range(_COUNT)]
    taken = [graph for graph in graphs if _is_taken(graph)]
    compared = 0
    for graph, program in zip(taken, build(taken), strict=True):
        inputs = inputs_of(rng, graph)
        with suppress(RuntimeError):  # LiteRT refuses more; what aborts it ends this process
            output = graph.ops[0].outputs[0]
            want = reference(make_tflite(graph), inputs)[output]
            compared += 1
            got = program.run(inputs)[output]
            if want.dtype == np.float32:  # such as boxes: of the range that these scales have
                finite = np.isfinite(want)
                most = 1e-6 * np.abs(want[finite]).max(initial=1.0)
                np.testing.assert_allclose(got[finite], want[finite], rtol=0, atol=most)
            else:
                assert mismatch(got, want) == "", describe(graph)
    assert compared > 5


def _is_taken(graph: Graph) -> bool:
    """Tell whether a graph is lowered for every target; else it must be refused."""
    try:
        lowered = lower(read_tflite(make_tflite(graph), "extreme"))
    except UnsupportedError:
        return False
    for target in ("host", "cortex-m4", "cortex-m55"):
        select_kernels(lowered, TARGETS[target])
    return True


def _extreme(rng: Rng, kind: str, dtypes: tuple[str, ...]) -> Graph:
    """Make a sample in which some scales, zero points and options are extreme."""
    operator = OPERATORS[kind]
    swept = [d for d in operator.samples if d in dtypes and d not in operator.micro]
    dtype = str(rng.choice(swept))
    graph = operator.samples[dtype](rng, dtype)
    few = len(graph.ops[0].inputs) < 8
    all_alike = rng.random() < 0.3 and few
    base = float(rng.choice(_SCALES))
    tensors = [
        _with_scale(rng, t, base if all_alike else float(rng.choice(_SCALES)))
        if all_alike or rng.random() < (0.5 if few else 0.05)
        else t
        for t in graph.tensors
    ]
    first, last = graph.inputs[0], graph.outputs[0]
    if rng.random() < 0.4 and tensors[first].dtype == tensors[last].dtype:
        tensors[last] = replace(tensors[last], quant=tensors[first].quant)
    [op] = graph.ops
    for name in ("alpha", "beta"):
        if name in op.attrs and rng.random() < 0.6:
            sign = -1 if name == "alpha" and rng.random() < 0.4 else 1
            factor = sign * float(np.float32(rng.choice(_FACTORS)))
            op = replace(op, attrs={**op.attrs, name: factor})
    return replace(graph, tensors=tuple(tensors), ops=(op,))


def _with_scale(rng: Rng, tensor: Tensor, scale: float) -> Tensor:
    """Give a tensor scales near one; one of 8 bits perhaps a zero point at an end."""
    quant = tensor.quant
    if quant is None or tensor.dtype in ("int32", "int64"):
        return tensor
    near = scale * float(np.exp(rng.normal(0, 1)))
    scales = [near * (1 + 0.1 * i) for i in range(len(quant.scale))]
    zeros = quant.zero_point
    if tensor.data is None and tensor.dtype != "int16" and rng.random() < 0.3:
        info = np.iinfo(tensor.dtype)
        zeros = (int(rng.choice([info.min, info.max])),) * len(zeros)
    bounded = tuple(float(np.float32(min(max(s, _LEAST), _MOST))) for s in scales)
    return replace(tensor, quant=Quant(bounded, zeros, quant.axis))
