"""Turn operators that move no value into RESHAPE; drop those that change nothing.

A RESHAPE costs no step: the planner gives its output the memory of its input. So afterwards RESHAPE
has exactly one input, and no RESHAPE reads another's output.
"""

from __future__ import annotations

from dataclasses import replace

from relocatable.graph.edit import read_instead
from relocatable.graph.graph import Graph, Op, Tensor
from relocatable.ops import is_view


def drop_reshapes(graph: Graph) -> Graph:
    """Unify and shorten chains of operators that keep the bytes as they are."""
    origin: dict[int, int] = {}  # output of a RESHAPE -> the tensor whose bytes these are
    same: dict[int, int] = {}  # output -> the tensor that is equal in shape and meaning too
    ops = []
    for op in graph.ops:
        op = read_instead(op, same)
        if not is_view(graph, op):
            ops.append(op)
            continue
        source, output = origin.get(op.inputs[0], op.inputs[0]), op.outputs[0]
        origin[output] = source
        if output not in graph.kept and _alike(graph.tensors[source], graph.tensors[output]):
            same[output] = source
        else:
            ops.append(Op("RESHAPE", op.name, (source,), op.outputs))
    return replace(graph, ops=tuple(ops))


def _alike(source: Tensor, output: Tensor) -> bool:
    return source.shape == output.shape and source.quant == output.quant
