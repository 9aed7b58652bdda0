"""Run operators built for this machine, next to LiteRT's reference."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from relocatable.codegen.emit_c import emit_c, pack_weights
from relocatable.codegen.toolchain import CodeOptimize, build_code
from relocatable.compile import lower
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Graph, Op, Quant, State
from relocatable.ops import OPERATORS, is_view, views
from relocatable.ops._shared.random import random_input
from relocatable.ops.node import Node
from relocatable.ops.select_kernels import select_kernels
from relocatable.schedule.plan_called import plan_called
from relocatable.steps.kernel_call import KernelCall, Plan, count_steps
from relocatable.steps.packed_filters import Packing, with_packed_filters
from relocatable.targets import TARGETS
from tests.make_tflite import make_tflite, of_first_versions

Array = npt.NDArray[Any]


class Context(ctypes.Structure):
    """xn_ctx of xn_blob.h."""

    _fields_ = [("arena", ctypes.c_void_p), ("weights", ctypes.c_void_p)]


@dataclass
class Program:
    """A graph compiled for this machine, every tensor in a place of its own."""

    graph: Graph
    offsets: dict[int, int]
    arena: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.uint8]
    code: mmap.mmap
    steps: Sequence[int]

    def run(self, inputs: Sequence[Array], is_first: bool = True) -> dict[int, Array]:
        """Every computed tensor, by its index, of a first run or of one that follows."""
        for state in self.graph.states if is_first else ():
            self.put(state.first, initial_values(self.graph, state))
        for index, x in zip(self.graph.inputs, inputs, strict=True):
            self.put(index, x)
        context = Context(self.arena.ctypes.data, self.weights.ctypes.data)
        base = ctypes.addressof(ctypes.c_char.from_buffer(self.code))
        for step in self.steps:
            function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)(base + step)
            assert function(ctypes.addressof(context)) == 0
        return {i: self.tensor(i) for i in self.offsets}

    def put(self, index: int, values: Array) -> None:
        """Write a tensor into the arena."""
        raw = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        at = self.offsets[index]
        self.arena[at : at + raw.size] = raw

    def tensor(self, index: int) -> Array:
        """Copy a tensor as it stands in the arena."""
        tensor = self.graph.tensors[index]
        at = self.offsets[index]
        raw = self.arena[at : at + tensor.size_bytes].copy()
        return raw.view(tensor.dtype).reshape(tensor.shape)


def initial_values(graph: Graph, state: State) -> Array:
    """Make what LiteRT's variable tensors begin with."""
    tensor = graph.tensors[state.first]
    zero = tensor.quant.zero_point[0] if tensor.quant and tensor.dtype == "int8" else 0
    return np.full(tensor.shape, zero, tensor.dtype)


def sample(rng: np.random.Generator, kind: str, dtype: str) -> Graph:
    """Make a random graph of one operator, as its description does."""
    return OPERATORS[kind].samples[dtype](rng, dtype)


def quant_of(b: GraphBuilder, index: int) -> Quant:
    """Read a tensor's quantisation, which must be there."""
    quant = b.tensors[index].quant
    assert quant is not None
    return quant


def build(
    graphs: Sequence[Graph], optimize: CodeOptimize = "speed", packing: Packing | None = None
) -> list[Program]:
    """Compiles many graphs as one unit: one run of the compiler for all of them."""
    graphs = [with_bound_subgraphs(graph) for graph in graphs]
    graph, bases = join(graphs)
    calls = choose(graph, "host", packing)
    plan = flat_plan(graph, calls)
    whole = load(graph, calls, plan, optimize)
    programs, step = [], 0
    for one, base in zip(graphs, bases, strict=True):
        count = sum(not is_view(one, op) for op in one.ops)
        offsets = {
            i - base: plan.offsets[i] for i in plan.offsets if 0 <= i - base < len(one.tensors)
        }
        steps = whole.steps[step : step + count]
        programs.append(replace(whole, graph=one, offsets=offsets, steps=steps))
        step += count
    return programs


def choose(graph: Graph, target: str, packing: Packing | None) -> tuple[KernelCall, ...]:
    """Choose the kernels of a graph, and which filters are packed."""
    calls = select_kernels(graph, TARGETS[target])
    return plan_called(with_packed_filters(calls, packing) if packing else calls)


def with_bound_subgraphs(graph: Graph) -> Graph:
    """Run all passes over a graph that calls others, unless that was done."""
    called = [sub for op in graph.ops for sub in op.subgraphs]
    return lower(graph) if any(not sub.states for sub in called) else graph


def load(graph: Graph, calls: Sequence[KernelCall], plan: Plan, optimize: CodeOptimize) -> Program:
    """Compiles steps for this machine, with a memory plan."""
    weights, weight_offsets = pack_weights(graph, calls)
    text = emit_c(graph, calls, plan, weight_offsets)
    code = build_code(text, TARGETS["host"], count_steps(calls), optimize)
    mapped = mmap.mmap(
        -1, len(code.code) or 1, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    )
    mapped.write(code.code)
    section, arena = _aligned(weights), _aligned(bytes(plan.arena_bytes))
    return Program(graph, plan.offsets, arena, section, mapped, code.step_offsets)


def flat_plan(graph: Graph, calls: Sequence[Any]) -> Plan:
    """Plan without reuse: every intermediate tensor can be looked at."""
    offsets: dict[int, int] = {}
    scratch: dict[int, int] = {}
    at = 0
    source = views(graph) | {state.last: state.first for state in graph.states}
    written = [o for op in graph.ops for o in op.outputs]
    for i in (*graph.inputs, *(state.first for state in graph.states), *written):
        if i in source:
            offsets[i] = offsets[source[i]]
        else:
            offsets[i] = at
            at += -(-graph.tensors[i].size_bytes // 16) * 16
    for k, call in enumerate(calls):
        scratch[k] = at
        at += call.scratch_bytes
    return Plan(at + 16, offsets, scratch)


def reference(model: bytes, inputs: Sequence[Array]) -> dict[int, Array]:
    """Every tensor as LiteRT's reference kernels compute it, by its index in the file."""
    for data in (model, of_first_versions(model, "TILE")):
        try:
            return _run(data, inputs, OpResolverType.BUILTIN_REF)
        except ValueError as error:
            if "Didn't find op for builtin opcode" not in str(error):
                raise
    return _run(model, inputs, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def expected(graph: Graph, model: bytes, inputs: Sequence[Array]) -> dict[int, Array]:
    """Compute every tensor as the reference of the graph's operators does.

    That is LiteRT's, which is run; or TFLite Micro's, which the operators' meanings stand for:
    test_tflite_micro.py compares these with what it computed.
    """
    if any(_reference_of(graph, op) != "LiteRT" for op in graph.ops):
        return meaning(graph, inputs, {s.first: initial_values(graph, s) for s in graph.states})
    found = reference(model, inputs)
    return found | {state.last: found[state.first] for state in graph.states}


def _reference_of(graph: Graph, op: Op) -> str:
    dtype = graph.tensors[op.inputs[0]].dtype if op.inputs else ""
    return OPERATORS[op.kind].reference_for(dtype)


def meaning(graph: Graph, inputs: Sequence[Array], states: Mapping[int, Array]) -> dict[int, Array]:
    """Compute every tensor by the meanings of the graph's operators in NumPy."""
    found = {i: t.data for i, t in enumerate(graph.tensors) if t.data is not None}
    found |= dict(zip(graph.inputs, inputs, strict=True)) | dict(states)
    for op in graph.ops:
        evaluate = OPERATORS[op.kind].evaluate
        assert evaluate is not None, op.kind
        made = evaluate(Node.of(graph, op), [found[i] for i in op.inputs])
        for i, x in zip(op.outputs, made if isinstance(made, tuple) else (made,), strict=True):
            found[i] = x.reshape(graph.tensors[i].shape)
    return found


def _run(model: bytes, inputs: Sequence[Array], kernels: OpResolverType) -> dict[int, Array]:
    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=kernels,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    for detail, x in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], x)
    interpreter.invoke()
    found: dict[int, Array] = {}
    for detail in interpreter.get_tensor_details():
        try:
            found[detail["index"]] = interpreter.get_tensor(detail["index"])
        except ValueError:  # a temporary of LiteRT's own
            continue
    return found


def mismatch(got: Array, want: Array) -> str:
    """Describe what differs by a bit, or of floats by 4 ulp or 1e-6, or ""."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype} {got.shape} for {want.dtype} {want.shape}"
    if want.dtype == np.complex64:
        got, want = (np.ascontiguousarray(x).view(np.float32) for x in (got, want))
    if want.dtype != np.float32:
        wrong = got != want
    else:
        spacing = np.spacing(np.maximum(np.abs(want), np.float32(1e-30)))
        with np.errstate(invalid="ignore"):  # of infinities, which are compared below
            error = np.abs(got.astype(np.float64) - want.astype(np.float64))
        wrong = ~((error <= 4 * spacing) | (error <= 1e-6) | (got == want))
        wrong &= ~(np.isnan(got) & np.isnan(want))
    if not wrong.any():
        return ""
    at = tuple(int(i) for i in np.unravel_index(wrong.argmax(), wrong.shape))
    return f"{wrong.sum()} of {wrong.size} differ, first at {at}: {got[at]} for {want[at]}"


def check(
    graphs: Sequence[Graph],
    optimize: CodeOptimize = "speed",
    runs: int = 2,
    models: Sequence[bytes] | None = None,
    packing: Packing | None = None,
) -> None:
    """Build all graphs at once and compare every computed tensor with LiteRT's.

    Args:
        graphs: what is compiled.
        optimize: "speed" or "size".
        runs: sets of random inputs.
        models: what LiteRT runs, with the same tensor indices; by default the graphs themselves.
        packing: when filters are packed; None: never.
    """
    rng = np.random.default_rng(5)
    wrong = []
    models = models or [make_tflite(graph) for graph in graphs]
    programs = build(graphs, optimize, packing)
    for graph, model, program in zip(graphs, models, programs, strict=True):
        for _ in range(runs):
            inputs = inputs_of(rng, graph)
            wrong += wrong_tensors(graph, program.run(inputs), model, inputs)
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:8])


def inputs_of(rng: np.random.Generator, graph: Graph) -> list[Array]:
    """Draw values for a graph's inputs; indices are those that LiteRT takes."""
    return [_input_of(rng, graph, i) for i in graph.inputs]


def _input_of(rng: np.random.Generator, graph: Graph, index: int) -> Array:
    tensor = graph.tensors[index]
    for op in graph.ops:
        at = op.inputs.index(index) if index in op.inputs else None
        below = None if at is None else OPERATORS[op.kind].operand(at).below
        most = None if below is None else below(Node.of(graph, op))
        if most is not None:
            return rng.integers(0, most, tensor.shape, dtype=tensor.dtype)
    return random_input(rng, tensor.shape, tensor.dtype)


def wrong_tensors(
    graph: Graph, got: Mapping[int, Array], model: bytes, inputs: Sequence[Array]
) -> list[str]:
    """Describe every computed tensor that differs from the reference's."""
    return wrong_outputs(graph, got, expected(graph, model, inputs))


def wrong_outputs(graph: Graph, got: Mapping[int, Array], want: Mapping[int, Array]) -> list[str]:
    """Describe every output of an operator that is not what is wanted."""
    outputs = [output for op in graph.ops for output in op.outputs]
    texts = [mismatch(got[output], want[output]) for output in outputs]
    return [f"{text}: {describe(graph)}" for text in texts if text]


def describe(graph: Graph) -> str:
    """Describe an operator and its tensors, for messages."""
    ops = ", ".join(f"{op.kind} {dict(op.attrs)}" for op in graph.ops)
    return f"{ops} " + "; ".join(f"{t.dtype} {t.shape} {t.quant}" for t in graph.tensors)


def join(graphs: Sequence[Graph]) -> tuple[Graph, list[int]]:
    """One graph that holds all, and where each one's tensors begin in it."""
    tensors: list[Any] = []
    ops: list[Any] = []
    inputs: list[int] = []
    outputs: list[int] = []
    states: list[State] = []
    bases = []
    for graph in graphs:
        base = len(tensors)
        bases.append(base)
        tensors += graph.tensors
        inputs += [i + base for i in graph.inputs]
        outputs += [i + base for i in graph.outputs]
        states += [State(s.first + base, s.last + base) for s in graph.states]
        for op in graph.ops:
            moved = tuple(i + base if i >= 0 else i for i in op.inputs)
            ops.append(replace(op, inputs=moved, outputs=tuple(i + base for i in op.outputs)))
    parts = (tuple(tensors), tuple(ops), tuple(inputs), tuple(outputs))
    return Graph("joined", *parts, states=tuple(states)), bases


def _aligned(data: bytes) -> npt.NDArray[np.uint8]:
    raw = np.zeros(len(data) + 64, np.uint8)
    start = -raw.ctypes.data % 64
    found = raw[start : start + len(data)]
    found[:] = np.frombuffer(data, np.uint8)
    return found
