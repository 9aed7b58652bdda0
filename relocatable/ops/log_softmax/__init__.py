"""LOG_SOFTMAX."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.fixed_point import scale_of, type_range
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import ARITHMETIC, exact_scale, kept_type, one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, Seen, samples
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Constant, CValue, Input, Output
from relocatable.steps.kernel_call import KernelCall

_ZEROS = {"int8": 127, "uint8": 255}


def log_scale(node: Node) -> Seen:
    """an output of 8 bits must have scale 1/16 and zero point 127 (uint8: 255)"""
    return exact_scale(node.output, 1 / 16, _ZEROS)


def has_dimension(node: Node) -> Seen:
    """input must have at least one dimension"""
    return len(node.inputs[0].shape) >= 1, str(list(node.inputs[0].shape))


def sane_scale(node: Node) -> Seen:
    """an input of 8 bits must have a scale above 2^-26 and below 2^100"""
    scale = 1.0 if not node.quantized else float(scale_of(node.inputs[0]))
    return 2.0**-26 < scale < 2.0**100, f"{scale:g}"


def lower_log_softmax(site: Site) -> KernelCall:
    """Lower LOG_SOFTMAX along the last dimension of int8, uint8 or float32."""
    x, source = site.input(0), "log_softmax/log_softmax.c"
    depth = x.shape[-1]
    params: dict[str, CValue] = {"rows": x.count // depth, "depth": depth}
    if site.is_float:
        call = CCall("xn_log_softmax", (Input(0), Output()), params, dtype="float32")
        return site.call(source, call, in_place=(0,))
    params["in_scale"] = scale_of(x)
    arguments = (Input(0), Constant("table"), Output())
    call = CCall("xn_log_softmax", arguments, params, dtype=x.dtype)
    return site.call(source, call, weights={"table": _powers(site.node)}, in_place=(0,))


def _powers(node: Node) -> npt.NDArray[np.float32]:
    """Compute e^(-scale * d) for differences d of 8-bit values."""
    products = -scale_of(node.inputs[0]) * np.arange(256, dtype=np.float32)
    return np.exp(products.astype(np.float64)).astype(np.float32)


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Subtract the logarithm of the sum of e^x of a row."""
    x = inputs[0]
    most = x.max(axis=-1, keepdims=True)
    if x.dtype == np.float32:
        shifted = x.astype(np.float64) - most
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)), np.float32)
    scale, values = scale_of(node.inputs[0]), x.astype(np.int64)
    powers = _powers(node)[most - values]
    sums = np.cumsum(powers, axis=-1, dtype=np.float32)[..., -1:]
    logs = np.log(sums.astype(np.float64)).astype(np.float32)
    offset = scale * most.astype(np.float32) + logs
    real = (scale * values.astype(np.float32) - offset) * np.float32(16)
    low, high = type_range(node.output.dtype)
    found = np.clip(np.rint(np.clip(real, -1000, 0)) + high, low, high)
    return np.asarray(found, x.dtype)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph with rows of up to 300 values."""
    shape = [int(v) for v in rng.integers(1, 8, int(rng.integers(1, 5)))]
    shape[-1] = int(rng.choice([1, 2, 3, 10, 100, 300]))
    b = GraphBuilder()
    x = b.input(*shape, dtype=dtype, quant=random_quant(rng, dtype))
    y = b.tensor(*shape, dtype=dtype, quant=Quant((1 / 16,), (_ZEROS.get(dtype, 0),)))
    return b.graph(b.op("LOG_SOFTMAX", (x,), y))


OPERATORS = (
    Operator(
        kind="LOG_SOFTMAX",
        operands=(Operand("input", ARITHMETIC),),
        output=ARITHMETIC,
        rules=(kept_type, one_scale, has_dimension, log_scale, sane_scale),
        shape=kept_shape,
        evaluate=evaluate,
        kernels=(Kernel(lower_log_softmax),),
        samples=samples(sample, ARITHMETIC),
    ),
)
