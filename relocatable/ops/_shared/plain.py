"""Functions of two plain numbers: integers and floats, whatever their scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph
from relocatable.ops._shared.broadcast import broadcast_call, random_shapes, stretched_shapes
from relocatable.ops._shared.fixed_point import type_range
from relocatable.ops._shared.random import random_input, random_quant
from relocatable.ops._shared.types import one_type
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    Array,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Rule,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall

# Makes the second operand of a sample, from any values of its type.
Second = Callable[[Array], Array]


def plain_call(site: Site, function: str) -> KernelCall:
    """Make the call of a function of binary.c, clamped by the fused activation if any."""
    low, high = plain_clamp(site.activation, site.input(0).dtype)
    params = {"low": low, "high": high}
    return broadcast_call(site, "_shared/binary.c", function, dict(params), "xn_binary_params")


def plain_clamp(activation: str, dtype: str) -> tuple[int, int] | tuple[float, float]:
    """Find the range of plain numbers under a fused activation."""
    if dtype == "bool":
        return 0, 1
    if dtype == "float32":
        most = float(np.finfo(np.float32).max)
        limits = {"RELU": (0.0, most), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
        return limits.get(activation, (-most, most))
    low, high = type_range(dtype)
    clamps = {"RELU": (0, high), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}
    return clamps.get(activation, (low, high))


def same_type(node: Node) -> Seen:
    """inputs must be of one type"""
    seen = [t.dtype for t in node.inputs]
    return len(set(seen)) == 1, ", ".join(seen)


@dataclass(frozen=True)
class PlainFunction:
    """A function of two plain numbers.

    Attributes:
        kind: of the operator; in lower case the kernel in binary.c.
        meaning: the function in NumPy.
        dtypes: element types that LiteRT has it for.
        output: element type of the output; "" is the inputs'.
        options: of the operator.
        rules: further ones.
        second: makes a constant second operand of samples; by default it is computed.
        version: of LiteRT's operator.
        rank: most dimensions in samples.
    """

    kind: str
    meaning: Callable[[Array, Array], Array]
    dtypes: tuple[str, ...]
    output: str = ""
    options: Options | None = None
    rules: tuple[Rule, ...] = ()
    second: Second | None = None
    version: int = 2
    rank: int = 4

    def lower(self, site: Site) -> KernelCall:
        """Lower the function."""
        return plain_call(site, f"xn_{self.kind.lower()}")

    def evaluate(self, node: Node, inputs: list[Array]) -> Array:
        """Compute the function in NumPy."""
        with np.errstate(all="ignore"):
            return np.asarray(self.meaning(inputs[0], inputs[1]), node.output.dtype)

    def sample(self, rng: Rng, dtype: str) -> Graph:
        """Make a graph of two operands; either may be repeated."""
        b = GraphBuilder()
        shapes = random_shapes(rng, self.rank)
        quant = random_quant(rng, dtype)
        first = b.input(*shapes[0], dtype=dtype, quant=quant)
        if self.second is None or dtype == "float32":
            second = b.input(*shapes[1], dtype=dtype, quant=quant)
        else:
            values = self.second(random_input(rng, shapes[1], dtype))
            second = b.constant(values, dtype, quant)
        full = np.broadcast_shapes(*map(tuple, shapes))
        y = b.tensor(*full, dtype=self.output or dtype, quant=quant)
        return b.graph(b.op(self.kind, (first, second), y))

    def operator(self) -> Operator:
        """Describe the operator."""
        return Operator(
            kind=self.kind,
            options=self.options,
            operands=(Operand("first input", self.dtypes), Operand("second input", self.dtypes)),
            output=(self.output,) if self.output else self.dtypes,
            rules=(same_type if self.output else one_type, *self.rules),
            shape=stretched_shapes,
            kernels=(Kernel(self.lower),),
            evaluate=self.evaluate,
            folds="constants",
            version=self.version,
            samples=samples(self.sample, self.dtypes),
        )
