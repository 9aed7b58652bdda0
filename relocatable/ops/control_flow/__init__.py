"""IF and WHILE: a step that runs other graphs.

Before they are lowered, the pass `bind_subgraphs` makes states of what the graphs read and write:
values that a loop carries lie where the loop's outputs lie, and change there. Values that it only
reads are its last inputs, without an output.

LiteRT's loops may run for ever. Here a step gives up when its loops have done as much work as a
model may have in all (`MOST_LOOP_WORK`): it returns 1. On a board its time limit may come first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Op, Quant, Tensor
from relocatable.ops._shared.random import random_input, random_quant
from relocatable.ops.node import Node
from relocatable.ops.operator import (
    ANY,
    MANY,
    Kernel,
    Operand,
    Operator,
    Options,
    Rng,
    Seen,
    samples,
)
from relocatable.ops.site import Site
from relocatable.steps.c_call import CCall, Input, Name, Output
from relocatable.steps.kernel_call import KernelCall

IF, WHILE = "IF", "WHILE"
_SOURCE = "control_flow/control_flow.c"
_BRANCHES = ("then_subgraph_index", "else_subgraph_index")
_PARTS = ("cond_subgraph_index", "body_subgraph_index")


def one_condition(node: Node) -> Seen:
    """condition must be one value of bool"""
    return _is_flag(node.inputs[0])


def computed_condition(node: Node) -> Seen:
    """the first subgraph must compute one value of bool, and not always true"""
    condition = node.op.subgraphs[0]
    if len(condition.outputs) != 1:
        return False, f"{len(condition.outputs)} values"
    flag = condition.tensors[condition.outputs[0]]
    return (False, "always true") if flag.data is not None else _is_flag(flag)


def branch_values(node: Node) -> Seen:
    """subgraphs must take and return values of the operator's types and shapes"""
    branches, given, returned = node.op.subgraphs, node.inputs[1:], node.outputs
    return _first_wrong([(b, given, returned) for b in branches])


def carried_values(node: Node) -> Seen:
    """values that a loop carries must keep their types and shapes"""
    condition, body = node.op.subgraphs
    flag = [condition.tensors[i] for i in condition.outputs]
    found = _first_wrong([(condition, node.inputs, flag), (body, node.inputs, node.inputs)])
    if not found[0]:
        return found
    return _same("outputs", node.outputs, node.inputs)


def returned_inputs(node: Node) -> Seen:
    """the body of a loop must not return an input in the place of a later one: TFLite Micro takes
    the old value for that, LiteRT the new one"""
    body = node.op.subgraphs[1]
    places = {index: at for at, index in enumerate(body.inputs)}
    wrong = [
        f"input {places[index]} as output {at}"
        for at, index in enumerate(body.outputs)
        if places.get(index, at) < at
    ]
    return not wrong, ", ".join(wrong)


def _is_flag(tensor: Tensor) -> Seen:
    return (tensor.dtype, tensor.count) == ("bool", 1), f"{tensor.dtype} {list(tensor.shape)}"


_Call = tuple[Graph, Sequence[Tensor], Sequence[Tensor]]


def _first_wrong(calls: Sequence[_Call]) -> Seen:
    for graph, given, returned in calls:
        for what, indices, wanted in (
            ("inputs", graph.inputs, given),
            ("outputs", graph.outputs, returned),
        ):
            ok, seen = _same(what, [graph.tensors[i] for i in indices], wanted)
            if not ok:
                return ok, seen
    return True, ""


def _same(what: str, seen: Sequence[Tensor], wanted: Sequence[Tensor]) -> Seen:
    texts = [[f"{t.dtype} {list(t.shape)}" for t in side] for side in (seen, wanted)]
    return texts[0] == texts[1], f"{what} {', '.join(texts[0])}"


def lower_if(site: Site) -> KernelCall:
    """Lower a choice of one of two graphs, which find all in its place."""
    call = CCall("XN_IF", (Input(0, "uint8_t"), Name("RUN_0"), Name("RUN_1")))
    made = site.call(_SOURCE, call, inputs=range(len(site.op.inputs)))
    return replace(made, ports=(*site.op.inputs[1:], *site.op.outputs))


def lower_while(site: Site) -> KernelCall:
    """Lower a loop, which carries its values in the outputs' memory."""
    count = len(site.op.outputs)
    calls = [
        CCall("xn_carry", (Input(i, "uint8_t"), Output("uint8_t", i), site.input(i).size_bytes))
        for i in range(count)
    ]
    test, flag, body, work = map(Name, ("RUN_0", "FLAG_0", "RUN_1", "WORK_0 + WORK_1"))
    calls.append(CCall("XN_WHILE", (test, flag, body, work)))
    made = site.call(_SOURCE, *calls, inputs=range(len(site.op.inputs)), in_place=(0,))
    return replace(made, ports=(*site.op.outputs, *site.op.inputs[count:]))


def _sample_branches(rng: Rng, dtype: str) -> Graph:
    """Make a graph that chooses by a bool that it is given."""
    shape = tuple(int(v) for v in rng.integers(1, 6, int(rng.integers(1, 4))))
    quant = random_quant(rng, dtype)
    b = GraphBuilder()
    flag = b.input(dtype="bool")
    given = [b.input(*shape, dtype=dtype, quant=quant) for _ in range(2)]
    outputs = [b.tensor(*shape, dtype=dtype, quant=quant) for _ in range(2)]
    branches = tuple(_random_body(rng, shape, dtype, quant) for _ in range(2))
    b.ops.append(Op(IF, "chosen", (flag, *given), tuple(outputs), {}, branches))
    return b.graph(*outputs)


def _sample_loop(rng: Rng, dtype: str) -> Graph:
    """Make a graph that counts from what it is given to a constant."""
    shape = tuple(int(v) for v in rng.integers(1, 6, int(rng.integers(1, 4))))
    quant = random_quant(rng, dtype)
    b = GraphBuilder()
    given = [b.input(*shape, dtype=dtype, quant=quant) for _ in range(2)]
    index = b.constant(int(rng.integers(-2, 3)))
    outputs = [b.tensor(*shape, dtype=dtype, quant=quant) for _ in range(2)]
    outputs.append(b.tensor(dtype="int32"))
    body = _random_body(rng, shape, dtype, quant, counts=True)
    test = GraphBuilder()
    carried = [test.input(*shape, dtype=dtype, quant=quant) for _ in range(2)]
    carried.append(test.input(dtype="int32"))
    limit = test.constant(int(rng.integers(0, 6)))
    condition = test.graph(test.op("LESS", (carried[2], limit), test.tensor(dtype="bool")))
    b.ops.append(Op(WHILE, "looped", (*given, index), tuple(outputs), {}, (condition, body)))
    return b.graph(*outputs)


def _random_body(
    rng: Rng, shape: Sequence[int], dtype: str, quant: Quant | None, counts: bool = False
) -> Graph:
    """Make a graph of a few operators that keep every type and shape."""
    b = GraphBuilder()
    values = [b.input(*shape, dtype=dtype, quant=quant) for _ in range(2)]
    index = [b.input(dtype="int32")] if counts else []
    for _ in range(int(rng.integers(0, 4))):
        kind, *operands = _SAME_TYPE[int(rng.integers(0, len(_SAME_TYPE)))]
        inputs = [values[int(i)] for i in rng.integers(0, len(values), len(operands))]
        values.append(b.op(kind, inputs, b.tensor(*shape, dtype=dtype, quant=quant)))
    if rng.random() < 0.3:
        values.append(b.constant(random_input(rng, shape, dtype), dtype, quant))
    # A tensor returned twice is garbage in LiteRT's IF.
    returned = [int(v) for v in rng.permutation(values)[:2]]
    if returned[1] == values[0]:
        returned.reverse()
    for i in index:
        one = b.constant(1)
        next_index = b.tensor(dtype="int32")
        b.op("ADD", (i, one), next_index, fused_activation_function="NONE")
        returned.append(next_index)
    return b.graph(*returned)


# Kinds that take and make values of one type and scale, and their operands.
_SAME_TYPE = (("MAXIMUM", 0, 1), ("MINIMUM", 0, 1), ("RELU", 0))

_TYPES = ("int8", "float32")

OPERATORS = (
    Operator(
        kind=IF,
        options=Options("IfOptions", _BRANCHES),
        subgraphs=_BRANCHES,
        operands=(Operand("condition", ("bool",)), Operand("value", ANY, optional=True)),
        is_variadic=True,
        output=ANY,
        outputs=(1, MANY),
        rules=(one_condition,),
        shape=branch_values,
        kernels=(Kernel(lower_if),),
        version=1,
        samples=samples(_sample_branches, _TYPES),
    ),
    Operator(
        kind=WHILE,
        options=Options("WhileOptions", _PARTS),
        subgraphs=_PARTS,
        operands=(Operand("value", ANY),),
        is_variadic=True,
        output=ANY,
        outputs=(1, MANY),
        rules=(computed_condition, returned_inputs),
        shape=carried_values,
        kernels=(Kernel(lower_while),),
        version=1,
        samples=samples(_sample_loop, _TYPES),
    ),
)
