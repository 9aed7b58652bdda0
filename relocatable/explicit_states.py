"""Turn variables into states: every value of a variable is a tensor of its own.

LiteRT's variables are places that operators read and change in the order of the file. Here each
change makes a new tensor, and whoever reads later reads that one. What an operator remembers
without a tensor in the file becomes a state, too.

LiteRT's variables are known in all subgraphs. Here those that a subgraph of IF or WHILE uses become
further values that it is given and returns: the graph around it reads them before the call and
assigns them after it. So only the main graph has states.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from relocatable.errors import UnsupportedError, Violation
from relocatable.graph.graph import AttrValue, Graph, Op, State, Tensor
from relocatable.limits import MOST_TENSOR_BYTES
from relocatable.ops import find_operator
from relocatable.ops.control_flow import WHILE
from relocatable.ops.node import Node
from relocatable.ops.operator import Operator
from relocatable.ops.rules import all_rules
from relocatable.ops.variable import ASSIGN_VARIABLE, CALL_ONCE, READ_VARIABLE, VAR_HANDLE

ONLY_CONSTANTS = "CALL_ONCE must call a subgraph that assigns constants to variables, and no more"

# Of a subgraph: a variable -> its value before and after.
_Uses = Mapping[str, tuple[int, int]]
Values = npt.NDArray[np.generic]


def variable_name(attrs: Mapping[str, AttrValue]) -> str:
    """Name the variable of a VAR_HANDLE."""
    container, name = attrs.get("container", ""), str(attrs.get("shared_name", ""))
    return f"{container}/{name}" if container else name


def explicit_states(
    graph: Graph, variables: Collection[int], initial: Mapping[str, Values]
) -> Graph:
    """Replace variables by states.

    Args:
        graph: as in the file; a handle is a tensor without meaning.
        variables: its variable tensors.
        initial: values of the variables of VAR_HANDLE before the first run, by their names.

    Raises:
        UnsupportedError: operators use a variable in a way that a state cannot have.
    """
    threading = _Threading(graph, variables, initial)
    refused: list[Violation] = []
    for op in graph.ops:
        try:
            threading.add(op)
        except UnsupportedError as error:
            refused += error.violations
    if refused:
        raise UnsupportedError(refused)
    return threading.graph()


def lift_variables(tensors: list[Tensor], op: Op) -> list[Op]:
    """Make the operators that do what one with subgraphs does.

    Args:
        tensors: of its graph; those of the variables are added.
        op: with subgraphs as they were read, in which no further subgraph uses a variable.

    Raises:
        UnsupportedError: a condition of a loop assigns a variable, a variable is used in a way that
            a state cannot have, or an operator in a subgraph remembers something.
    """
    graphs = op.subgraphs
    for graph in graphs:
        _refuse_memories(graph)
    if not any(inner.kind == VAR_HANDLE for graph in graphs for inner in graph.ops):
        return [op]
    found = [_values_of_variables(graph) for graph in graphs]
    described = _described(found)
    taken = [_with_values(graph, uses, described) for graph, uses in found]
    if op.kind == WHILE:
        for first, last in found[0][1].values():
            if first != last:
                rule = "the condition of a loop must assign no variables"
                raise UnsupportedError([Violation(rule, "one that does", WHILE, op.name)])
        taken[0] = replace(taken[0], outputs=graphs[0].outputs)
    before, after, reads, writes = list[Op](), list[Op](), list[int](), list[int]()
    for name, tensor in described.items():
        handle, read, write = _add(tensors, Tensor(name, (), "int32"), tensor, tensor)
        before += [
            Op(VAR_HANDLE, name, (), (handle,), {"container": "", "shared_name": name}),
            Op(READ_VARIABLE, name, (handle,), (read,)),
        ]
        reads.append(read)
        writes.append(write)
        if any(first != last for _, uses in found for first, last in [uses.get(name, (0, 0))]):
            after.append(Op(ASSIGN_VARIABLE, name, (handle, write), ()))
    call = replace(
        op,
        inputs=(*op.inputs, *reads),
        outputs=(*op.outputs, *writes),
        subgraphs=tuple(taken),
    )
    return [*before, call, *after]


def _refuse_memories(graph: Graph) -> None:
    for op in graph.ops:
        operator = find_operator(graph.own_operators, op.kind)
        if operator is not None and operator.memory is not None:
            rule = "an operator that remembers must be in the main graph"
            raise UnsupportedError([Violation(rule, "in a subgraph", op.kind, op.name)])


def _described(found: Iterable[tuple[Graph, _Uses]]) -> dict[str, Tensor]:
    """Describe each variable as the first subgraph that uses it does."""
    tensors: dict[str, Tensor] = {}
    for graph, uses in found:
        for name, (first, _) in uses.items():
            tensors.setdefault(name, graph.tensors[first])
    return tensors


def _with_values(graph: Graph, uses: _Uses, described: Mapping[str, Tensor]) -> Graph:
    """Give a graph an input and an output for each variable."""
    tensors, inputs, outputs = list(graph.tensors), list(graph.inputs), list(graph.outputs)
    for name, tensor in described.items():
        first, last = uses[name] if name in uses else _add(tensors, tensor) * 2
        inputs.append(first)
        outputs.append(last)
    parts = (tuple(tensors), tuple(inputs), tuple(outputs))
    return replace(graph, tensors=parts[0], inputs=parts[1], outputs=parts[2])


def _add(tensors: list[Tensor], *added: Tensor) -> tuple[int, ...]:
    tensors += added
    return tuple(range(len(tensors) - len(added), len(tensors)))


def _values_of_variables(graph: Graph) -> tuple[Graph, dict[str, tuple[int, int]]]:
    """Let a called graph take and return its variables as values.

    Returns:
        The graph without VAR_HANDLEs; and the tensors of each variable's value before and after, by
        its name.

    Raises:
        UnsupportedError: it uses a variable in a way that a state cannot have.
    """
    threading = _Threading(graph, (), {})
    for op in graph.ops:
        threading.add(op)
    found = {str(k): (first, threading.now(k)) for k, first in threading.first.items()}
    return replace(threading.graph(), states=()), found


def _dequantised_once(graph: Graph, variables: Collection[int]) -> dict[int, Values]:
    """Find the first values of variable tensors that are made from float16.

    The converter to float16 makes a float16 constant of what a state begins with. LiteRT makes a
    constant larger in the first run alone.
    """
    tensors = graph.tensors
    return {
        op.outputs[0]: np.asarray(tensors[op.inputs[0]].data, np.float32)
        for op in graph.ops
        if len(op.inputs) == len(op.outputs) == 1
        if op.outputs[0] in variables and tensors[op.outputs[0]].dtype == "float32"
        if op.inputs[0] != -1 and tensors[op.inputs[0]].data is not None
        if tensors[op.inputs[0]].dtype == "float16"
    }


class _Threading:
    def __init__(
        self, graph: Graph, variables: Collection[int], initial: Mapping[str, Values]
    ) -> None:
        self._graph = graph
        self._initial: dict[str | int, Values] = {}
        self._initial.update(initial.items())
        self._initial.update(_dequantised_once(graph, variables).items())
        # What an operator writes as a whole is no variable, whatever the file says.
        written = {i for op in graph.ops for i in op.outputs}
        self._variables = set(variables) - (written - set(self._initial))
        self._tensors = list(graph.tensors)
        self._ops: list[Op] = []
        self._handles: dict[int, str] = {}
        # By the name of a variable, or the index of a variable tensor.
        self.first: dict[str | int, int] = {}
        self._current: dict[str | int, int] = {}

    def add(self, op: Op) -> None:
        """Take the file's next operator."""
        if op.kind == VAR_HANDLE:
            self._handles |= dict.fromkeys(op.outputs, variable_name(op.attrs))
        elif op.kind == CALL_ONCE:
            if any(isinstance(key, str) for key in self.first):
                self._refuse(op, "CALL_ONCE must come before its variables are used", "later")
        elif op.kind == READ_VARIABLE:
            name = self._name(op, 1, 1)
            value = self._tensors[op.outputs[0]]
            read = self._value(name, replace(value, name=name, data=None))
            self._ops.append(replace(op, name=name, inputs=(read,)))
        elif op.kind == ASSIGN_VARIABLE:
            self._assign(op)
        elif op.outputs[:1] and op.outputs[0] in self._initial:
            return  # its constant is what the variable begins with
        else:
            self._update(op)

    def now(self, key: str | int) -> int:
        """Find the tensor of a variable's value behind the operators so far."""
        return self._current[key]

    def graph(self) -> Graph:
        """Return the graph; a state is what was read or changed."""
        for i in (*self._graph.inputs, *self._graph.outputs):
            if i in self._variables or i in self._handles:
                rule = "graph's inputs and outputs must be no variables"
                tensor = self._tensors[i].name
                raise UnsupportedError([Violation(rule, "variable", "", tensor)])
        states = tuple(
            State(first, self._current[key], self._initial.get(key))
            for key, first in self.first.items()
        )
        return replace(
            self._graph, tensors=tuple(self._tensors), ops=tuple(self._ops), states=states
        )

    def _assign(self, op: Op) -> None:
        name = self._name(op, 2, 0)
        value = self._tensors[op.inputs[1]]
        kept = replace(value, name=name, data=None)
        if name not in self.first:
            self._value(name, kept)
        described = self._tensors[self.first[name]]
        self._current[name] = self._new(described)
        outputs = (self._current[name],)
        self._ops.append(Op(op.kind, name, (op.inputs[1],), outputs, op.attrs))

    def _update(self, op: Op) -> None:
        """Take an operator that may read variable tensors and change some of them."""
        for i in op.inputs:
            if i in self._handles:
                self._refuse(op, "a variable must be read and assigned by itself", op.kind)
        operator = find_operator(self._graph.own_operators, op.kind)
        changed = [
            op.inputs[at]
            for at in (operator.updates if operator else ())
            if at < len(op.inputs) and op.inputs[at] in self._variables
        ]
        inputs = tuple(
            self._value(i, self._tensors[i], i) if i in self._variables else i for i in op.inputs
        )
        outputs = list(op.outputs)
        for i in changed:
            if self._current[i] != i:
                rule = "a variable tensor must be changed by one operator, once"
                self._refuse(op, rule, self._tensors[i].name)
            self._current[i] = self._new(self._tensors[i])
            outputs.append(self._current[i])
        op = replace(op, inputs=inputs, outputs=tuple(outputs))
        self._ops.append(self._with_memory(op, operator) if operator else op)

    def _with_memory(self, op: Op, operator: Operator) -> Op:
        """Give an operator that remembers something the state that it remembers it in."""
        if operator.memory is None:
            return op
        inputs = tuple(self._tensors[i] for i in op.inputs if i != -1)
        node = Node(op, inputs, tuple(self._tensors[i] for i in op.outputs))
        if not all(rule(node)[0] for rule in all_rules(operator)):
            return op  # which is refused
        memory = operator.memory(node)
        if memory.size_bytes > MOST_TENSOR_BYTES:
            rule = f"bytes that an operator remembers must be at most {MOST_TENSOR_BYTES}"
            self._refuse(op, rule, str(memory.size_bytes))
        first = self._new(memory)
        self._value(first, memory, first)
        self._current[first] = self._new(memory)
        return replace(op, inputs=(*op.inputs, first), outputs=(*op.outputs, self._current[first]))

    def _name(self, op: Op, inputs: int, outputs: int) -> str:
        """Find the variable of an operator with a handle."""
        counts = (len(op.inputs), len(op.outputs))
        if counts != (inputs, outputs) or -1 in op.inputs:
            self._refuse(op, f"inputs and outputs must be {inputs} and {outputs}", str(counts))
        if op.inputs[0] not in self._handles:
            self._refuse(op, "the first input must come from a VAR_HANDLE before", "another")
        return self._handles[op.inputs[0]]

    def _value(self, key: str | int, described: Tensor, index: int | None = None) -> int:
        """Find the tensor that holds the variable's value now."""
        if key not in self.first:
            self.first[key] = self._current[key] = self._new(described) if index is None else index
        return self._current[key]

    def _new(self, tensor: Tensor) -> int:
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _refuse(self, op: Op, rule: str, seen: str) -> Any:
        raise UnsupportedError([Violation(rule, seen, op.kind, op.name)])
