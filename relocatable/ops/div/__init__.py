"""DIV.

The quotient of an integer and zero, which LiteRT refuses while it runs, is 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relocatable.graph.graph import Graph
from relocatable.ops._shared.images import fused_activation, random_activation
from relocatable.ops._shared.plain import PlainFunction, plain_call, plain_clamp
from relocatable.ops.node import Node
from relocatable.ops.operator import Array, Options, Rng
from relocatable.ops.site import Site
from relocatable.steps.kernel_call import KernelCall


@dataclass(frozen=True)
class Division(PlainFunction):
    """A quotient with a fused activation."""

    def lower(self, site: Site) -> KernelCall:
        """Lower the quotient of int32 or float32."""
        return plain_call(site, "xn_clamped_div")

    def evaluate(self, node: Node, inputs: list[Array]) -> Array:
        """Divide, and clamp."""
        found = super().evaluate(node, inputs)
        return np.clip(found, *plain_clamp(node.activation, node.output.dtype))

    def sample(self, rng: Rng, dtype: str) -> Graph:
        """Make a graph of one quotient."""
        graph = super().sample(rng, dtype)
        attrs = {"fused_activation_function": random_activation(rng)}
        return replace(graph, ops=(replace(graph.ops[0], attrs=attrs),))


def _quotient(a: Array, b: Array) -> Array:
    if a.dtype == np.float32:
        return a / b
    wide, by = a.astype(np.int64), np.where(b == 0, 1, b).astype(np.int64)
    whole = np.abs(wide) // np.abs(by) * np.sign(wide) * np.sign(by)
    return np.where(b == 0, 0, whole)


OPERATORS = (
    Division(
        "DIV",
        _quotient,
        ("int32", "float32"),
        options=Options("DivOptions", ("fused_activation_function",)),
        rules=(fused_activation,),
        second=lambda values: np.where(values == 0, 1, values),
        rank=5,
    ).operator(),
)
