"""What reductions along axes share: rules, loops, samples."""

from __future__ import annotations

from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Quant
from relocatable.ops._shared.types import INTEGERS
from relocatable.ops.node import Node
from relocatable.ops.operator import Operand, Rng, Seen
from relocatable.steps.c_call import CValue

AXES = Operand("axes", INTEGERS, constant=True, may_be_empty=True)
# Dimensions as loops: (count, distance of the elements), outermost first.
_Loops = list[tuple[int, int]]


def reduced_axes(node: Node) -> Seen:
    """axes must be the input's, and the output what is left of them"""
    axes, source, output = node.integers(1), node.inputs[0].shape, node.output.shape
    rank = len(source)
    chosen = {a % rank if -rank <= a < rank else -1 for a in axes}
    kept = [d for i, d in enumerate(source) if i not in chosen]
    ok = -1 not in chosen and [d for d in output if d != 1] == [d for d in kept if d != 1]
    return ok, f"{axes} of {list(source)} -> {list(output)}"


def two_runs(node: Node) -> Seen:
    """axes that are reduced, and those that are kept, must form at most two runs of neighbours"""
    shape, axes = node.inputs[0].shape, node.integers(1)
    rank = len(shape)
    runs = _loops(shape, {a % rank for a in axes if rank})
    return max(map(len, runs)) <= 2, f"{axes} of {list(shape)}"


def sum_fits(node: Node) -> Seen:
    """Tell whether 32 bits hold the sum of scaled values, less their zero points."""
    count = node.inputs[0].count // max(1, node.output.count)
    if node.output.dtype == "int16":
        return count <= 1 << 15, str(count)
    return not node.quantized or count < 1 << 23, str(count)


def reduction_fields(node: Node) -> dict[str, CValue]:
    """Make the loops over what is kept and over what is reduced."""
    keep, reduce = _loops(node.inputs[0].shape, set(axes_of(node)))
    return {"keep": _filled(keep), "reduce": _filled(reduce)}


def axes_of(node: Node) -> tuple[int, ...]:
    """List the axes that are reduced, each once and from 0 on."""
    rank = len(node.inputs[0].shape)
    return tuple({a % rank for a in node.integers(1) if rank})


def _filled(loops: _Loops) -> CValue:
    """Fill up to the two loops of a kernel."""
    return [{"count": n, "stride": step} for n, step in [(1, 0), (1, 0), *loops][-2:]]


def _loops(shape: tuple[int, ...], axes: set[int]) -> tuple[_Loops, _Loops]:
    """Find the loops over what is kept and what is reduced; neighbours are one loop."""
    loops: dict[bool, _Loops] = {False: [], True: []}
    stride, previous = 1, None
    for axis in reversed(range(len(shape))):
        kind = axis in axes
        if shape[axis] != 1:
            if kind is previous:
                count, step = loops[kind][0]
                loops[kind][0] = (count * shape[axis], step)
            else:
                loops[kind].insert(0, (shape[axis], stride))
            previous = kind
        stride *= shape[axis]
    return loops[False], loops[True]


def reduction_sample(
    rng: Rng, kind: str, dtype: str, quant: Quant | None, output_quant: Quant | None
) -> Graph:
    """Make a graph that reduces any axes, from either end; or none, or one twice."""
    rank = int(rng.integers(1, 5))
    shape = [1, *(int(v) for v in rng.integers(1, 9, rank - 1))]
    if rank == 1:
        shape = [int(rng.integers(1, 40))]
    axes = [int(a) for a in range(rank) if rng.random() < 0.5]
    axes = axes or [rank - 1] * bool(rng.random() < 0.9)
    keep = bool(rng.random() < 0.5)
    out = [1 if a in axes else d for a, d in enumerate(shape)]
    if not keep:
        out = [d for a, d in enumerate(shape) if a not in axes]
    b = GraphBuilder()
    x = b.input(*shape, dtype=dtype, quant=quant)
    y = b.tensor(*out, dtype=dtype, quant=output_quant)
    named = axes + axes[: int(rng.random() < 0.1)]
    signed = [a - rank if rng.random() < 0.3 else a for a in named]
    return b.graph(b.op(kind, (x, b.constant(signed)), y, keep_dims=keep))
