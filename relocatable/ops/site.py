"""An operator to be lowered for a target: its tensors, options and call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from relocatable.errors import UnsupportedError, Violation
from relocatable.graph.graph import Graph, Op, Tensor
from relocatable.ops.node import Node
from relocatable.steps.c_call import CCall, RowCount
from relocatable.steps.kernel_call import KernelCall, Rows
from relocatable.steps.pack_filter import FilterBlocks
from relocatable.targets import Target


@dataclass(frozen=True)
class Site:
    """An operator in its graph, to be compiled for a target."""

    graph: Graph
    op: Op
    target: Target

    def input(self, i: int) -> Tensor:
        """Return the operator's input i."""
        return self.graph.tensors[self.op.inputs[i]]

    def has_input(self, i: int) -> bool:
        """Tell whether the optional input i is there."""
        return i < len(self.op.inputs) and self.op.inputs[i] != -1

    @property
    def output(self) -> Tensor:
        """The operator's first output."""
        return self.graph.tensors[self.op.outputs[0]]

    def constant(self, i: int) -> npt.NDArray[np.generic]:
        """Read the values of input i, which must be a constant."""
        data = self.input(i).data
        if data is None:
            self.refuse(f"input {i} must be constant", f"computed tensor '{self.input(i).name}'")
        return data

    @property
    def node(self) -> Node:
        """The operator with its tensors, as rules and meanings see it."""
        return Node.of(self.graph, self.op)

    @property
    def value_rows(self) -> Rows | None:
        """The row access of an elementwise operator; None if an operand is no image."""
        shape = self.output.shape
        computed = all(self.input(i).data is None for i in range(len(self.op.inputs)))
        same = all(self.input(i).shape == shape for i in range(len(self.op.inputs)))
        return Rows() if len(shape) == 4 and shape[0] == 1 and computed and same else None

    @property
    def count(self) -> int | RowCount:
        """Number of values that a call makes, for an operator of single values."""
        if self.value_rows is None:
            return self.output.count
        return RowCount.times(self.output.count // self.output.shape[1])

    def int_attr(self, name: str, default: int | None = None) -> int:
        """Read an integer attribute."""
        value = self.op.attrs[name] if default is None else self.op.attrs.get(name, default)
        assert isinstance(value, int)
        return value

    def text_attr(self, name: str, default: str = "NONE") -> str:
        """Read an attribute that is a name."""
        return str(self.op.attrs.get(name, default))

    def float_attr(self, name: str) -> float:
        """Read a real attribute."""
        value = self.op.attrs[name]
        assert isinstance(value, (int, float))
        return float(value)

    @property
    def activation(self) -> str:
        """The fused activation's name."""
        return self.text_attr("fused_activation_function")

    @property
    def is_float(self) -> bool:
        """Whether the first input is float32."""
        return self.input(0).dtype == "float32"

    def refuse(self, rule: str, value: str) -> NoReturn:
        """Raise the error for an operator that no kernel does."""
        raise UnsupportedError([Violation(rule, value, self.op.kind, self.op.name)])

    def call(
        self,
        source: str,
        *calls: CCall,
        weights: Mapping[str, npt.NDArray[np.generic]] | None = None,
        inputs: Sequence[int] = (0,),
        in_place: Sequence[int] = (),
        updates: Mapping[int, int] | None = None,
        scratch_bytes: int = 0,
        macs: int = 0,
        rows: Rows | None = None,
        filters: FilterBlocks | None = None,
    ) -> KernelCall:
        """Make the operator's step.

        Args:
            source: kernel file, relative to ops/, such as "add/add.c".
            calls: of the kernels in it.
            weights: packed constants by key.
            inputs: those that the kernels read, as indices into the operator's inputs.
            in_place: those whose memory the output may take over, likewise.
            updates: those that are states -> the output that is the state's next value.
            scratch_bytes: that the step needs while it runs.
            macs: multiply-accumulates of the operator's definition.
            rows: how the kernels make some rows; None if they always make all.
            filters: how the kernel reads the weights "filter", if they may be stored packed.
        """
        tensors = tuple(self.op.inputs[i] for i in inputs)
        return KernelCall(
            kind=self.op.kind,
            name=self.op.name,
            source=f"ops/{source}",
            calls=calls,
            inputs=tensors,
            outputs=self.op.outputs,
            weights=dict(weights or {}),
            scratch_bytes=-(-scratch_bytes // 16) * 16,
            in_place=dict.fromkeys(in_place, 0),
            updates=dict(updates or {}),
            macs=macs,
            rows=rows,
            filters=filters,
        )
