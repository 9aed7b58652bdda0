"""DEQUANTIZE; of float16, as weights are stored in, at compile time."""

from __future__ import annotations

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, GraphError
from relocatable.ops._shared.quantize import quantize_call
from relocatable.ops._shared.random import random_quant
from relocatable.ops._shared.shapes import kept_shape
from relocatable.ops._shared.types import one_scale
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Kernel, Operand, Operator, Rng, samples
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall

_TYPES = ("int8", "uint8", "int16")


def lower_dequantize(site: Site) -> KernelCall:
    """Lower DEQUANTIZE of int8, uint8 or int16 to float32."""
    return quantize_call(site, "xn_dequantize", site.input(0))


def evaluate(node: Node, inputs: list[Array]) -> Array:
    """Turn integers of any scale, per channel too, into the real numbers.

    Raises:
        GraphError: the input has no scale.
    """
    x = node.inputs[0]
    if x.dtype == "float16":
        return inputs[0].astype(np.float32)
    if x.quant is None:
        raise GraphError(f"DEQUANTIZE '{node.op.name}': input must have a scale; has none")
    along = [1] * len(x.shape)
    if x.quant.axis is not None:
        along[x.quant.axis] = -1
    # A scale has 24 significant bits and a value at most 17: exact in float64, rounded once.
    scale = np.array(x.quant.scale, dtype=np.float32).astype(np.float64).reshape(along)
    zero_point = np.array(x.quant.zero_point, dtype=np.float64).reshape(along)
    return np.asarray(scale * (inputs[0] - zero_point), dtype=np.float32)


def sample(rng: Rng, dtype: str) -> Graph:
    """Make a graph of one row."""
    b = GraphBuilder()
    x = b.input(1, 256, dtype=dtype, quant=random_quant(rng, dtype))
    return b.graph(b.op("DEQUANTIZE", (x,), b.tensor(1, 256, dtype="float32")))


OPERATORS = (
    Operator(
        kind="DEQUANTIZE",
        result="same",
        operands=(Operand("input", _TYPES),),
        output=("float32",),
        rules=(one_scale,),
        shape=kept_shape,
        kernels=(Kernel(lower_dequantize),),
        evaluate=evaluate,
        folds="constants",
        samples=samples(sample, _TYPES),
    ),
)
