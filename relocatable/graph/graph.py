"""The model as data: frozen tensors and operators in the order of execution.

Everything between `read_tflite` and `emit_c` passes a `Graph`; a pass returns a new one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from relocatable.errors import RelocatableError

# Names of element types are NumPy's; these are the ones a graph may hold.
DTYPES = (
    *("int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"),
    *("float32", "bool", "complex64"),
)
# Inputs and outputs may be of these.
PORT_DTYPES = DTYPES[:-1]
# Constants may be stored in these, too; an operator makes another type of them at compile time.
STORED_DTYPES = (*DTYPES, "float16")

AttrValue = int | float | str | bool | tuple[int, ...]


class GraphError(RelocatableError):
    """A graph that breaks its own rules; the message names rule, value, tensor."""


@dataclass(frozen=True)
class Quant:
    """Affine quantisation: real = scale * (q - zero_point).

    Attributes:
        scale: one number, or one for each index of `axis`.
        zero_point: as many as scales.
        axis: dimension that the scales run along; None for per-tensor.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value of the graph.

    Attributes:
        name: as in the model, for messages.
        shape: dimensions.
        dtype: one of DTYPES; a constant's one of STORED_DTYPES.
        quant: None if the values are plain numbers.
        data: a constant's values (shape and dtype as stated), None for a computed tensor.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None = None
    data: npt.NDArray[np.generic] | None = None

    @cached_property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @cached_property
    def size_bytes(self) -> int:
        """Bytes of all elements."""
        return self.count * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Op:
    """An operator.

    Attributes:
        kind: LiteRT's builtin name, such as CONV_2D.
        name: of its first output, for messages and reports.
        inputs: tensor indices; -1 if an optional input is absent.
        outputs: tensor indices.
        attrs: options by LiteRT's names in snake case; enums as their names: "stride_h", "padding":
            "SAME".
        subgraphs: graphs that it calls, such as the condition and the body of a loop.
    """

    kind: str
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attrs: Mapping[str, AttrValue] = field(default_factory=dict)
    subgraphs: tuple[Graph, ...] = ()


@dataclass(frozen=True, eq=False)
class State:
    """A value that lives through all runs.

    A run reads `first` and leaves `last`, which is the next run's `first`: no operator writes to a
    tensor that another one reads, so the operators' order says all.

    Attributes:
        first: tensor that holds the value when a run begins; no operator writes it.
        last: tensor that holds it when the run ends, of as many bytes.
        initial: the value before the first run; None if that is the real number 0.
    """

    first: int
    last: int
    initial: npt.NDArray[np.generic] | None = None


@dataclass(frozen=True)
class Graph:
    """A model: tensors by index, operators in the order of execution.

    Attributes:
        file_bytes: size of the file that it was read from; it bounds what the model may cost.
        states: what is kept from run to run.
        own_operators: descriptions of operators of the user's own, by their kinds.
        input_names, output_names: what the caller names the inputs and outputs, if it is told.
    """

    name: str
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    file_bytes: int = 0
    states: tuple[State, ...] = ()
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    own_operators: Mapping[str, object] = field(default_factory=dict)

    @property
    def kept(self) -> frozenset[int]:
        """Tensors that are wanted after the last operator."""
        return frozenset((*self.outputs, *(state.last for state in self.states)))


def verify_graph(graph: Graph) -> None:
    """Check that each tensor is known, typed and written once before it is read.

    Raises:
        GraphError: names the rule, the value seen and the tensor or operator.
    """
    for tensor in graph.tensors:
        known = DTYPES if tensor.data is None else STORED_DTYPES
        if tensor.dtype not in known:
            raise GraphError(
                f"tensor '{tensor.name}': dtype must be one of {known}; is {tensor.dtype}"
            )
        if tensor.data is not None and (
            tensor.data.shape != tensor.shape or tensor.data.dtype != np.dtype(tensor.dtype)
        ):
            raise GraphError(
                f"tensor '{tensor.name}': constant must be {tensor.dtype} {tensor.shape}; "
                f"is {tensor.data.dtype} {tensor.data.shape}"
            )
    ready = {i for i, t in enumerate(graph.tensors) if t.data is not None} | set(graph.inputs)
    for state in graph.states:
        _verify_state(graph, state, ready)
        ready.add(state.first)
    for op in graph.ops:
        for subgraph in op.subgraphs:
            verify_graph(subgraph)
        for i in op.inputs:
            if i != -1 and i not in ready:
                raise GraphError(f"{op.kind} '{op.name}': input {i} must be written before; is not")
        for i in op.outputs:
            if i in ready:
                raise GraphError(
                    f"{op.kind} '{op.name}': output {i} must be written once; is again"
                )
            ready.add(i)
    for i in graph.outputs:
        if i not in ready:
            raise GraphError(f"graph '{graph.name}': output {i} must be written; is not")
    for state in graph.states:
        if state.last not in ready:
            raise GraphError(f"graph '{graph.name}': state {state.last} must be written; is not")


def _verify_state(graph: Graph, state: State, ready: Collection[int]) -> None:
    first, last = graph.tensors[state.first], graph.tensors[state.last]
    if state.first in ready:
        raise GraphError(f"state '{first.name}': must be no input, constant or other state; is one")
    kinds = {(t.dtype, t.count) for t in (first, last)}
    if state.initial is not None:
        kinds.add((str(state.initial.dtype), state.initial.size))
    if len(kinds) != 1:
        raise GraphError(f"state '{first.name}': must keep its type and size; has {sorted(kinds)}")
