"""Make states of what the subgraphs of IF and WHILE read and write.

A state has one place in memory, before and after a run of its graph: that place is a tensor of the
graph around it. So a loop's values are changed where they are carried, and nothing is copied that
need not be (`place_states`).
"""

from __future__ import annotations

from dataclasses import replace

from relocatable.graph.edit import read_instead
from relocatable.graph.graph import Graph, Op, State
from relocatable.ops.control_flow import IF, WHILE
from relocatable.ops.inline import alike


def bind_subgraphs(graph: Graph) -> Graph:
    """Give subgraphs states instead of inputs and outputs."""
    if not any(op.subgraphs for op in graph.ops):
        return graph
    same: dict[int, int] = {}  # output that a loop leaves as it was given -> the input
    ops = []
    for op in graph.ops:
        op = read_instead(op, same)
        if op.kind == WHILE:
            op, left = _bound_loop(graph, op)
            kept = {o: i for o, i in left.items() if o in graph.kept or not _alike(graph, o, i)}
            ops += [op, *(Op("RESHAPE", op.name, (i,), (o,)) for o, i in kept.items())]
            same |= {o: i for o, i in left.items() if o not in kept}
        elif op.kind == IF:
            ops.append(replace(op, subgraphs=tuple(_branch(sub) for sub in op.subgraphs)))
        else:
            ops.append(op)
    return replace(graph, ops=tuple(ops))


def _alike(graph: Graph, a: int, b: int) -> bool:
    return alike(graph.tensors[a], graph.tensors[b])


def _bound_loop(graph: Graph, op: Op) -> tuple[Op, dict[int, int]]:
    """Bind a loop; values that it only reads are the last inputs, and no outputs.

    Returns:
        The loop; and outputs that it left as they were given -> the inputs.
    """
    condition, body = op.subgraphs
    count = len(op.inputs)
    read = [
        i
        for i in range(count)
        if body.outputs[i] == body.inputs[i] and graph.tensors[op.inputs[i]].data is None
    ]
    if len(read) == count:
        read.pop(0)  # an operator has an output
    carried = [i for i in range(count) if i not in read]
    order = [*carried, *read]
    condition, body = (
        replace(sub, inputs=tuple(sub.inputs[i] for i in order)) for sub in (condition, body)
    )
    body = replace(body, outputs=tuple(body.outputs[i] for i in order))
    flags = _with_states(condition, [State(i, i) for i in condition.inputs])
    bound = replace(
        op,
        inputs=tuple(op.inputs[i] for i in order),
        outputs=tuple(op.outputs[i] for i in carried),
        subgraphs=(replace(flags, outputs=condition.outputs), _body(body)),
    )
    return bound, {op.outputs[i]: op.inputs[i] for i in read}


def _body(body: Graph) -> Graph:
    body = _with_own_outputs(body, body.inputs)
    states = [State(*pair) for pair in zip(body.inputs, body.outputs, strict=True)]
    return _with_states(body, states)


def _branch(branch: Graph) -> Graph:
    """Let each output be the next value of a state whose first one nobody reads."""
    branch = _with_own_outputs(branch, ())
    count = len(branch.tensors)
    firsts = tuple(replace(branch.tensors[i], data=None) for i in branch.outputs)
    branch = replace(branch, tensors=(*branch.tensors, *firsts))
    read = [State(i, i) for i in branch.inputs]
    written = [State(count + k, last) for k, last in enumerate(branch.outputs)]
    return _with_states(branch, [*read, *written])


def _with_states(graph: Graph, states: list[State]) -> Graph:
    return replace(graph, inputs=(), outputs=(), states=tuple(states))


def _with_own_outputs(graph: Graph, same: tuple[int, ...]) -> Graph:
    """Copy outputs that are inputs, constants or other outputs.

    Args:
        graph: whose outputs are to be tensors that operators write, each another one.
        same: for each output the input that it may be, if there is one.
    """
    tensors, ops, outputs = list(graph.tensors), list(graph.ops), list[int]()
    written = {i for op in ops for i in op.outputs}
    for at, i in enumerate(graph.outputs):
        stays = at < len(same) and i == same[at]
        if not stays and (i not in written or i in outputs):
            tensors.append(replace(tensors[i], data=None))
            ops.append(Op("RESHAPE", tensors[i].name, (i,), (len(tensors) - 1,)))
            i = len(tensors) - 1
        outputs.append(i)
    return replace(graph, tensors=tuple(tensors), ops=tuple(ops), outputs=tuple(outputs))
