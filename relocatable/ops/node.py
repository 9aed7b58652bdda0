"""An operator together with its tensors, for rules and meanings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from relocatable.graph.edit import float_attr, int_attr
from relocatable.graph.graph import Graph, Op, Tensor


@dataclass(frozen=True, eq=False)
class Node:
    """An operator and the tensors that it reads and writes.

    Attributes:
        op: the operator.
        inputs: tensors of the inputs that are present.
        outputs: tensors of the outputs.
    """

    op: Op
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @classmethod
    def of(cls, graph: Graph, op: Op, known: Mapping[int, Tensor] | None = None) -> Node:
        """Look up an operator's tensors.

        Args:
            graph: that the operator is in.
            op: the operator.
            known: tensors that replace some of the graph's, by index.
        """
        known = known or {}
        inputs = tuple(known.get(i, graph.tensors[i]) for i in op.inputs if i != -1)
        return cls(op, inputs, tuple(graph.tensors[i] for i in op.outputs))

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.outputs[0]

    @property
    def quantized(self) -> list[Tensor]:
        """Inputs and output whose quantisation counts: those of 8 and 16 bits."""
        small = ("int8", "uint8", "int16")
        return [t for t in (*self.inputs, self.output) if t.dtype in small]

    @property
    def activation(self) -> str:
        """Name of the fused activation."""
        return str(self.op.attrs.get("fused_activation_function", "NONE"))

    def integer(self, key: str) -> int:
        """Read an integer attribute."""
        return int_attr(self.op, key)

    def number(self, key: str) -> float:
        """Read a real attribute."""
        return float_attr(self.op, key)

    def integers(self, i: int) -> list[int]:
        """List the values of a constant input."""
        return [int(v) for v in np.asarray(self.inputs[i].data).reshape(-1).tolist()]
