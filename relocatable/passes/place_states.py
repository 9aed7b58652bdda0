"""Copy what cannot lie where a state lies.

A state has one place in memory, before and after a run. The operator that computes its next value
may write there if nobody reads the old one any more; else the value is copied, at the place in the
program where it was assigned. What is read later of the old value is copied before.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

from relocatable.graph.edit import writers
from relocatable.graph.graph import Graph, Op, State
from relocatable.ops import find_operator, views
from relocatable.ops.select_kernels import works_in_place


def place_states(graph: Graph) -> Graph:
    """Add the copies that each state needs."""
    if not graph.states:
        return graph
    placement = _Placement(graph)
    for state in graph.states:
        placement.place(state)
    return placement.graph()


class _Placement:
    """A graph to which copies are added; positions are those of its operators before."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._ops = list(graph.ops)
        self._tensors = list(graph.tensors)
        self._source = views(graph)
        self._written = writers(graph)
        self._kept = Counter((*graph.outputs, *(state.last for state in graph.states)))
        self._inserted: dict[int, Op] = {}  # before which operator
        self._appended: dict[int, list[Op]] = defaultdict(list)  # behind which operator
        self._aliases: dict[int, list[int]] = defaultdict(list)
        self._readers: dict[int, list[int]] = defaultdict(list)
        for alias in self._source:
            self._aliases[self._root(alias)].append(alias)
        for at, op in enumerate(self._ops):
            for i in set(op.inputs):
                self._readers[i].append(at)
        # A variable that a constant is assigned to may be read: what shares bytes with a constant
        # has none in the arena.
        for alias in [i for i in self._source if self._tensors[self._root(i)].data is not None]:
            self._copy(alias)

    def place(self, state: State) -> None:
        """Add the copies that a state needs."""
        root = self._root(state.last)
        if root == state.first:
            at = len(self._ops)
        elif self._may_write(state, root):
            at = self._written[root]
        else:
            at = self._written[state.last]
            if state.last in self._source:
                self._copy(state.last)
            elif not self._takes_over(state, at):
                self._compute_elsewhere(state.last, at)
        self._save_old(state, at)

    def graph(self) -> Graph:
        """Return the graph."""
        ops = []
        for at, op in enumerate(self._ops):
            if at in self._inserted:
                ops.append(self._inserted[at])
            ops += [op, *self._appended[at]]
        return replace(self._graph, tensors=tuple(self._tensors), ops=tuple(ops))

    def _root(self, index: int) -> int:
        while index in self._source:
            index = self._source[index]
        return index

    def _old(self, state: State) -> list[int]:
        """List the tensors that are the state's old value."""
        return [state.first, *self._aliases[state.first]]

    def _may_write(self, state: State, root: int) -> bool:
        """Tell whether the next value may be computed where the state lies."""
        at = self._written.get(root)
        if at is None or self._kept[state.last] > 1:
            return False
        if any(self._kept[i] for i in (root, *self._aliases[root]) if i != state.last):
            return False
        if _updates(self._graph, self._ops[at], state.first, root):
            return True
        return all(reader < at for i in self._old(state) for reader in self._readers[i])

    def _takes_over(self, state: State, at: int) -> bool:
        """Tell whether an operator may write over the old value that it reads."""
        op, old = self._ops[at], self._old(state)
        read = {i for i in op.inputs if i in old}
        if not read:
            return True
        graph = replace(self._graph, tensors=tuple(self._tensors))
        return op.outputs[0] == state.last and works_in_place(graph, op, read)

    def _compute_elsewhere(self, last: int, at: int) -> None:
        """Let an operator write elsewhere, and copy that to where a state lies."""
        op, made = self._ops[at], len(self._tensors)
        self._tensors.append(self._tensors[last])
        outputs = tuple(made if i == last else i for i in op.outputs)
        self._ops[at] = replace(op, outputs=outputs)
        copy = Op("RESHAPE", self._tensors[last].name, (made,), (last,), {"copies": True})
        self._appended[at].append(copy)

    def _save_old(self, state: State, at: int) -> None:
        """Copy what is needed of the old value when the operator `at` has run."""
        for i in self._old(state)[1:]:
            late = any(reader > at for reader in self._readers[i])
            if (late or (self._kept[i] and i != state.last)) and self._written[i] < at:
                self._copy(i)
        readers = [reader for reader in self._readers[state.first] if reader > at]
        if not readers:
            return
        saved, first = len(self._tensors), self._tensors[state.first]
        self._tensors.append(first)
        self._inserted[at] = Op("RESHAPE", first.name, (state.first,), (saved,), {"copies": True})
        self._written[saved] = at
        self._readers[saved] = readers
        self._readers[state.first] = [r for r in self._readers[state.first] if r <= at]
        for reader in readers:
            op = self._ops[reader]
            inputs = tuple(saved if i == state.first else i for i in op.inputs)
            self._ops[reader] = replace(op, inputs=inputs)
            for output in op.outputs:
                if self._source.get(output) == state.first:
                    self._source[output] = saved
                    self._aliases[state.first].remove(output)
                    self._aliases[saved].append(output)

    def _copy(self, alias: int) -> None:
        """Give a view memory of its own."""
        at = self._written[alias]
        op = self._ops[at]
        self._ops[at] = replace(op, attrs={**op.attrs, "copies": True})
        self._aliases[self._root(alias)].remove(alias)
        del self._source[alias]


def _updates(graph: Graph, op: Op, first: int, last: int) -> bool:
    operator = find_operator(graph.own_operators, op.kind)
    return (
        operator is not None
        and last in op.outputs[1:]
        and any(op.inputs[at] == first for at in operator.updates)
    )
