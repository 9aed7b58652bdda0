"""Build graphs by tensors and operators, for samples and tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from relocatable.graph.graph import AttrValue, Graph, Op, Quant, State, Tensor

PLAIN = Quant((0.5,), (0,))


class GraphBuilder:
    """A graph under construction; the methods return tensor indices."""

    def __init__(self) -> None:
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.inputs: list[int] = []
        self.states: list[State] = []

    def tensor(
        self, *shape: int, dtype: str = "int8", quant: Quant | None = PLAIN, name: str = ""
    ) -> int:
        """Add a computed tensor; only those of 8 and 16 bits have a scale."""
        name = name or f"t{len(self.tensors)}"
        scaled = quant if dtype in ("int8", "uint8", "int16") else None
        self.tensors.append(Tensor(name, shape, dtype, scaled))
        return len(self.tensors) - 1

    def input(self, *shape: int, dtype: str = "int8", quant: Quant | None = PLAIN) -> int:
        """Add an input of the graph."""
        self.inputs.append(self.tensor(*shape, dtype=dtype, quant=quant))
        return self.inputs[-1]

    def constant(self, values: Any, dtype: str = "int32", quant: Quant | None = None) -> int:
        """Add a constant."""
        data = np.asarray(values, dtype)
        name = f"c{len(self.tensors)}"
        self.tensors.append(Tensor(name, data.shape, dtype, quant, data))
        return len(self.tensors) - 1

    def state(self, *shape: int, dtype: str = "int8", quant: Quant | None = PLAIN) -> State:
        """Add a state that begins as 0; an operator writes its last value."""
        first, last = (self.tensor(*shape, dtype=dtype, quant=quant) for _ in range(2))
        self.states.append(State(first, last))
        return self.states[-1]

    def op(self, kind: str, inputs: Sequence[int], *outputs: int, **attrs: AttrValue) -> int:
        """Add an operator; return its first output."""
        self.ops.append(Op(kind, self.tensors[outputs[0]].name, tuple(inputs), outputs, attrs))
        return outputs[0]

    def graph(self, *outputs: int) -> Graph:
        """Return the graph so far."""
        parts = (tuple(self.tensors), tuple(self.ops), tuple(self.inputs), outputs)
        return Graph("test", *parts, states=tuple(self.states))
