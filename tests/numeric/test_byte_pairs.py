"""Functions of two bytes: all pairs of values, on every CPU, against LiteRT.

Outputs are in the place of an operand if they may be, and tensors begin at any byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from relocatable.codegen.toolchain import CodeOptimize
from relocatable.errors import UnsupportedError
from relocatable.graph.graph import Graph, Quant, Tensor
from relocatable.ops.operator import Rng
from relocatable.ops.select_kernels import select_kernels
from relocatable.steps.kernel_call import KernelCall, Plan
from relocatable.support import check_support
from relocatable.targets import TARGETS
from tests.make_tflite import make_tflite
from tests.numeric.harness import (
    Array,
    describe,
    flat_plan,
    join,
    load,
    mismatch,
    reference,
    sample,
)
from tests.numeric.on_target import run_steps_on_target
from tests.numeric.test_machines import CPUS

_COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
_KINDS = ("ADD", "SUB", "MUL", "DIV", "PRELU", *_COMPARISONS)
PAIRS = [(kind, dtype) for dtype in ("int8", "uint8") for kind in _KINDS]
PAIRS.append(("SQUARED_DIFFERENCE", "int8"))
# Of both operands: all pairs in a line, or by broadcast; odd lengths; and too few for a table.
_SHAPES = (
    ((1, 65536), (1, 65536)),
    ((256, 1), (1, 256)),
    ((3, 5, 19), (3, 5, 19)),
    ((7, 9, 11), (7, 1, 11)),
    ((261, 3), (1, 3)),
    ((1, 23), (1, 23)),
)
# Of a quotient: many of them lie just between two integers.
_TIES = ((0.1, 0.1, 0.005), (0.3, 0.1, 1 / 64), (1.0, 0.5, 0.01))
_VALUES = np.arange(256, dtype=np.uint8)


def pairs_of(rng: Rng, kind: str, dtype: str) -> list[tuple[Graph, list[Array]]]:
    """Make graphs of an operator, each with values of its operands."""
    return [_pairs(rng, kind, dtype, shapes) for shapes in _SHAPES]


def _pairs(
    rng: Rng, kind: str, dtype: str, shapes: Sequence[tuple[int, ...]]
) -> tuple[Graph, list[Array]]:
    out = np.broadcast_shapes(*shapes)
    if kind == "PRELU":
        shapes = (out, shapes[1])
    elif rng.random() < 0.5:
        shapes = shapes[::-1]
    while True:
        graph = sample(rng, kind, dtype)
        [op] = graph.ops
        tensors = list(graph.tensors)
        places = (*op.inputs, *op.outputs)
        for i, shape in zip(places, (*shapes, out), strict=True):
            tensors[i] = _with_end(rng, replace(tensors[i], shape=shape, data=None))
        if kind == "DIV" and rng.random() < 0.3:
            for i, scale in zip(places, rng.choice(_TIES), strict=True):
                tensors[i] = replace(tensors[i], quant=Quant((float(scale),), (3,)))
        changed = replace(graph, tensors=tuple(tensors), inputs=op.inputs)
        if op.inputs[0] != op.inputs[1] and _is_taken(changed):
            return changed, _values(rng, changed, kind)


def _with_end(rng: Rng, tensor: Tensor) -> Tensor:
    """Put the zero point at an end, perhaps."""
    if tensor.quant is None or rng.random() < 0.7:
        return tensor
    ends = np.iinfo(tensor.dtype)
    zero = int(rng.choice([ends.min, ends.max]))
    return replace(tensor, quant=Quant(tensor.quant.scale, (zero,)))


def _is_taken(graph: Graph) -> bool:
    try:
        check_support(graph)
    except UnsupportedError:
        return False
    return True


def _values(rng: Rng, graph: Graph, kind: str) -> list[Array]:
    """Draw the operands, or list all pairs of values."""
    first, second = (graph.tensors[i] for i in graph.inputs)
    if first.count == second.count == _VALUES.size**2:
        values = [np.repeat(_VALUES, _VALUES.size), np.tile(_VALUES, _VALUES.size)]
    elif {first.count, second.count} <= {_VALUES.size, _VALUES.size**2}:
        values = [np.resize(_VALUES, t.shape) for t in (first, second)]
        if first.count != second.count:
            values[0] = np.repeat(_VALUES, _VALUES.size)
    else:
        values = [rng.integers(0, 256, t.shape, np.uint8) for t in (first, second)]
    found = [x.view(t.dtype).reshape(t.shape) for x, t in zip(values, (first, second), strict=True)]
    if kind == "DIV":  # LiteRT refuses zeros
        assert second.quant is not None
        [zero] = second.quant.zero_point
        found[1] = np.where(found[1] == zero, found[1] ^ 1, found[1])
    return found


def crowded_plan(rng: Rng, graph: Graph, calls: Sequence[KernelCall]) -> Plan:
    """Plan with tensors at any byte, and outputs in place of operands."""
    offsets, end = {}, 0
    for i in flat_plan(graph, calls).offsets:
        offsets[i] = end + int(rng.integers(0, 8))
        end += graph.tensors[i].size_bytes + 8
    for call in calls:
        taken = [i for i in call.in_place if call.inputs[i] in offsets]
        if taken and rng.random() < 0.7:
            offsets[call.outputs[0]] = offsets[call.inputs[int(rng.choice(taken))]]
    return Plan(end, offsets, {})


def check_pairs(
    made: Sequence[tuple[Graph, list[Array]]], target: str, folder: Path, optimize: CodeOptimize
) -> None:
    rng = np.random.default_rng(3)
    graph, bases = join([one for one, _ in made])
    calls = select_kernels(graph, TARGETS[target])
    plan = crowded_plan(rng, graph, calls)
    inputs = [x for _, values in made for x in values]
    if target == "host":
        program = load(graph, calls, plan, optimize)
        program.run(inputs)
        arena = program.arena
    else:
        arena = run_steps_on_target(graph, calls, plan, inputs, target, folder, optimize)
    for (one, values), base in zip(made, bases, strict=True):
        [output] = one.outputs
        tensor, at = one.tensors[output], plan.offsets[base + output]
        got = arena[at : at + tensor.count].view(tensor.dtype).reshape(tensor.shape)
        want = reference(make_tflite(one), values)[output]
        assert mismatch(got, want) == "", describe(one)


@pytest.mark.parametrize(("kind", "dtype"), PAIRS)
def test_on_this_machine(kind: str, dtype: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(101)
    made = [pair for _ in range(3) for pair in pairs_of(rng, kind, dtype)]
    check_pairs(made, "host", tmp_path, "speed")
    check_pairs(made, "host", tmp_path, "size")


@pytest.mark.few(4)
@pytest.mark.sim
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("target", CPUS)
def test_on_target(target: str, optimize: CodeOptimize, tmp_path: Path) -> None:
    rng = np.random.default_rng(102)
    made = [pair for kind, dtype in PAIRS for pair in pairs_of(rng, kind, dtype)]
    check_pairs(made, target, tmp_path, optimize)
