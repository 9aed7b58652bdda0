"""Operators as compiled for another CPU, next to LiteRT's reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from relocatable.codegen.emit_c import emit_c, pack_weights
from relocatable.codegen.toolchain import Code, CodeOptimize, build_code
from relocatable.graph.graph import Graph
from relocatable.steps.kernel_call import KernelCall, Plan, count_steps
from relocatable.steps.packed_filters import Packing
from relocatable.targets import TARGETS, Target
from tests.make_tflite import make_tflite
from tests.numeric.harness import (
    Array,
    choose,
    flat_plan,
    initial_values,
    inputs_of,
    join,
    with_bound_subgraphs,
    wrong_tensors,
)
from tests.numeric.machines import MACHINES, run_on_machine

# As `build_code`: C text, CPU, number of steps, speed or size.
Build = Callable[[str, Target, int, CodeOptimize], Code]


def check_on_target(
    graphs: Sequence[Graph],
    target: str,
    folder: Path,
    optimize: CodeOptimize = "speed",
    models: Sequence[bytes] | None = None,
    packing: Packing | None = None,
) -> None:
    """Compare every computed tensor with LiteRT's; arguments as those of `check`."""
    rng = np.random.default_rng(5)
    models = models or [make_tflite(graph) for graph in graphs]
    made = [(g, model, inputs_of(rng, g)) for g, model in zip(graphs, models, strict=True)]
    found = wrong_on_target(made, target, folder, optimize, packing)
    wrong = [text for texts in found for text in texts]
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:8])


def wrong_on_target(
    made: Sequence[tuple[Graph, bytes, Sequence[Array]]],
    target: str,
    folder: Path,
    optimize: CodeOptimize,
    packing: Packing | None = None,
) -> list[list[str]]:
    """Describe what differs from LiteRT's, of each graph with its .tflite and inputs."""
    made = [(with_bound_subgraphs(graph), model, inputs) for graph, model, inputs in made]
    graph, bases = join([graph for graph, _, _ in made])
    calls = choose(graph, target, packing)
    plan = flat_plan(graph, calls)
    joined = [x for _, _, inputs in made for x in inputs]
    arena = run_steps_on_target(graph, calls, plan, joined, target, folder, optimize)
    wrong = []
    for (one, model, inputs), base in zip(made, bases, strict=True):
        got: dict[int, Array] = {}
        for i in (output for op in one.ops for output in op.outputs):
            tensor, at = one.tensors[i], plan.offsets[base + i]
            raw = arena[at : at + tensor.size_bytes]
            got[i] = raw.view(tensor.dtype).reshape(tensor.shape)
        wrong.append(wrong_tensors(one, got, model, inputs))
    return wrong


def run_steps_on_target(
    graph: Graph,
    calls: Sequence[KernelCall],
    plan: Plan,
    inputs: Sequence[Array],
    target: str,
    folder: Path,
    optimize: CodeOptimize,
    build: Build = build_code,
) -> npt.NDArray[np.uint8]:
    """Run steps with a memory plan once, as a compiler builds them; returns the arena.

    The stack that they use must stay within what the compiler states.
    """
    weights, weight_offsets = pack_weights(graph, calls)
    text = emit_c(graph, calls, plan, weight_offsets)
    code = build(text, TARGETS[target], count_steps(calls), optimize)
    arena = np.zeros(plan.arena_bytes, np.uint8)
    began = {s.first: initial_values(graph, s) for s in graph.states}
    for i, x in (*zip(graph.inputs, inputs, strict=True), *began.items()):
        at = plan.offsets[i]
        arena[at : at + x.nbytes] = x.reshape(-1).view(np.uint8)
    outcome = run_on_machine(MACHINES[target], code, weights, arena, folder)
    assert outcome.stack_bytes <= code.stack_bytes
    return outcome.arena
