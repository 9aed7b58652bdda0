"""Operators whose reference is TFLite Micro: as it computed, run after run."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from relocatable import compile_model
from relocatable.blob.host import HostModel
from relocatable.graph.edit import int_attr
from relocatable.graph.graph import Graph
from relocatable.ops import OPERATORS
from tests.numeric.harness import Array, build, describe, initial_values, meaning, mismatch
from tests.numeric.signal_front_end import front_end
from tests.numeric.tflm_cases import VECTORS, Case, ask_tflm, draw_cases, read_vectors

CASES, VERSION = read_vectors(VECTORS)


def wrong_outputs(graph: Graph, case: Case, run: int, got: Sequence[Array]) -> Iterator[str]:
    """Describe a run's outputs that differ where TFLite Micro writes them."""
    wanted = case.outputs[run]
    for k, (a, b) in enumerate(zip(got, wanted, strict=True)):
        counts = np.ones(b.shape, np.bool_) if k else is_written(graph, run, wanted)
        text = mismatch(*(np.where(counts, x, np.zeros_like(x)) for x in (a, b)))
        if text:
            yield f"run {run}, output {k}: {text}: {describe(graph)}"


def is_written(graph: Graph, run: int, wanted: Sequence[Array]) -> Array:
    """Tell which values of its first output TFLite Micro writes in a run."""
    written, op = np.ones(wanted[0].shape, np.bool_), graph.ops[0]
    kind = op.kind.removeprefix("CUSTOM Signal")
    if len(graph.ops) > 1:
        return written
    if kind == "Energy":
        at = np.arange(written.size)
        written &= (at >= int_attr(op, "start_index")) & (at < int_attr(op, "end_index"))
    if kind == "Framer" and not op.attrs["prefill"]:
        count, size = graph.tensors[op.outputs[0]].shape[-2:]
        late = -(-size // int_attr(op, "frame_step")) - 1 - run * count
        written[..., : max(0, late), :] = False
    if kind == "Stacker":
        written &= bool(wanted[1])
    return written


def wrong_meanings(case: Case) -> Iterator[str]:
    """Run a case by the operators' meanings; describe what differs."""
    graph = case.graph
    states = {state.first: initial_values(graph, state) for state in graph.states}
    for run, inputs in enumerate(case.inputs):
        found = meaning(graph, inputs, states)
        states = {state.first: found[state.last] for state in graph.states}
        yield from wrong_outputs(graph, case, run, [found[i] for i in graph.outputs])


def test_meanings_are_those_of_tflite_micro() -> None:
    wrong = [text for case in CASES for text in wrong_meanings(case)]
    assert not wrong, f"{len(wrong)} differ from {VERSION}:\n" + "\n".join(wrong[:5])


def test_each_operator_is_among_the_vectors() -> None:
    kinds = {op.kind for case in CASES for op in case.graph.ops}
    wanted = {o.kind for o in OPERATORS.values() if o.micro or o.reference == "TFLite Micro"}
    assert wanted <= kinds


def test_programs_remember_like_tflite_micro() -> None:
    cases = [case for case in CASES if all(OPERATORS[op.kind].kernels for op in case.graph.ops)]
    graphs = [case.graph for case in cases]
    wrong: list[str] = []
    for graph, case, program in zip(graphs, cases, build(graphs, "size"), strict=True):
        for run, inputs in enumerate(case.inputs):
            found = program.run(inputs, is_first=run == 0)
            wrong += wrong_outputs(graph, case, run, [found[i] for i in graph.outputs])
    assert not wrong, f"{len(wrong)} differ from {VERSION}:\n" + "\n".join(wrong[:5])


@pytest.mark.parametrize("whole_tensors", [False, True])
def test_a_front_end_for_speech(whole_tensors: bool) -> None:
    case = CASES[0]
    assert [op.kind for op in case.graph.ops] == [op.kind for op in front_end().ops]
    blob = compile_model(
        case.model, target="host", optimize="size", whole_tensors=whole_tensors, golden=False
    )
    with HostModel(blob) as host:
        for _ in range(2):
            host.reset_state()
            for run, inputs in enumerate(case.inputs):
                host.write_inputs(inputs)
                host.run()
                assert not list(wrong_outputs(case.graph, case, run, host.outputs()))


def python_with_tflm() -> str:
    """Find a Python with TFLite Micro: $XIPNET_TFLM_PYTHON or this one; else ""."""
    here = sys.executable if importlib.util.find_spec("tflite_micro") else ""
    return os.environ.get("XIPNET_TFLM_PYTHON", here)


@pytest.mark.proof("exact")
@pytest.mark.skipif(not python_with_tflm(), reason="needs XIPNET_TFLM_PYTHON, with tflite-micro")
@pytest.mark.parametrize("seed", range(100, 110))
def test_meanings_at_random(seed: int) -> None:
    cases, version = ask_tflm(python_with_tflm(), draw_cases(seed, 20))
    wrong = [text for case in cases for text in wrong_meanings(case)]
    assert not wrong, f"{len(wrong)} differ from {version}:\n" + "\n".join(wrong[:5])
