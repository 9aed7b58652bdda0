""".tflite to blob: the pipeline, top to bottom."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata as packages
from pathlib import Path
from typing import Any, Literal

import numpy as np

from relocatable.blob import Blob, Entry, Golden, Io, Variant, golden_inputs
from relocatable.check_plan import check_plan
from relocatable.emit_c import emit_c, pack_weights
from relocatable.errors import HeadError, ModelError
from relocatable.graph import Graph, verify_graph
from relocatable.heads import HeadConfig, head_calls, load_head
from relocatable.host import HostModel
from relocatable.kernel_call import KernelCall
from relocatable.passes import PASSES
from relocatable.plan_memory import Plan, plan_memory
from relocatable.read_tflite import read_tflite
from relocatable.select_kernels import select_kernels
from relocatable.support import check_support
from relocatable.targets import TARGETS, Target, find_target
from relocatable.toolchain import build_code

Optimize = Literal["speed", "size"]
_GOLDEN_SEED = 0x1234567


def compile_model(
    model: str | Path | bytes,
    *,
    target: str | Sequence[str] = "cortex-m55",
    head: str | Path | Mapping[str, Any] | None = None,
    name: str | None = None,
    optimize: Optimize = "speed",
    golden: bool = True,
) -> bytes:
    """Compiles a .tflite into a blob.

    Args:
        model: path of a .tflite file, or its bytes.
        target: a CPU of `relocatable.TARGETS`; several make a fat blob, of which the loader takes
            the first that its CPU can run.
        head: TOML file or mapping that describes the post-processing (docs/HEADS.md). Where it is
            None and `model` is a path, a file of the same name ending in .toml beside it is taken.
        name: the model's name; by default the file's stem.
        optimize: "speed", or "size" for less code.
        golden: put a golden test vector into the blob, which the board runs before taking it.

    Returns:
        The blob's bytes (docs/SPEC-blob.md); the same for the same arguments.

    Raises:
        ModelError: the .tflite cannot be read.
        UnsupportedError: it asks for what the compiler does not do.
        HeadError: the head's description is wrong or does not fit.
        ToolchainError: the C compiler is missing or failed.
    """
    data, name, head = _read_arguments(model, name, head)
    targets = [find_target(t) for t in ([target] if isinstance(target, str) else target)]

    graph = lower(read_tflite(data, name))
    config = load_head(head) if head is not None else None
    programs = [build_program(graph, config, t, optimize) for t in targets]
    blob = _assemble(name, programs, config)
    if golden:
        native = _assemble(name, [build_program(graph, config, TARGETS["host"], "size")], config)
        blob = replace(blob, golden=_make_golden(native))
    return blob.pack()


def lower(graph: Graph) -> Graph:
    """Checks a graph as read and brings it, pass by pass, into the form that kernels take."""
    verify_graph(graph)
    check_support(graph)
    for run_pass in PASSES:
        graph = run_pass(graph)
        verify_graph(graph)
    return graph


@dataclass(frozen=True, eq=False)
class Program:
    """A graph compiled for one target: what becomes a variant of the blob, and its description."""

    target: Target
    graph: Graph
    calls: tuple[KernelCall, ...]
    network_steps: int
    plan: Plan
    result: tuple[int, int, int]  # enum xn_result, arena offset, bytes
    variant: Variant


def build_program(
    graph: Graph, head: HeadConfig | None, target: Target, optimize: Optimize
) -> Program:
    """Chooses kernels, plans the memory, and compiles a lowered graph for one target."""
    calls = select_kernels(graph, target)
    network_steps = len(calls)
    result_kind, result_tensor = 0, -1
    if head is not None:
        graph, extra, result_kind, result_tensor = head_calls(head, graph)
        calls = (*calls, *extra)
    plan = plan_memory(graph, calls)
    check_plan(graph, calls, plan)

    weights, weight_offsets = pack_weights(graph, calls)
    code = build_code(emit_c(graph, calls, plan, weight_offsets), target, len(calls), optimize)
    variant = Variant(
        family=target.family,
        level=target.level,
        features=target.features,
        code=code.code,
        weights=weights,
        steps=code.step_offsets,
        arena_bytes=plan.arena_bytes,
        stack_bytes=code.stack_bytes,
    )
    result = (0, 0, 0)
    if result_kind:
        result = (result_kind, plan.offsets[result_tensor], graph.tensors[result_tensor].size_bytes)
    return Program(target, graph, calls, network_steps, plan, result, variant)


def _read_arguments(
    model: str | Path | bytes, name: str | None, head: str | Path | Mapping[str, Any] | None
) -> tuple[bytes, str, Mapping[str, Any] | None]:
    if isinstance(model, bytes):
        data, name = model, name or "model"
    else:
        path = Path(model)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ModelError(f"model file must be readable; {path}: {error.strerror}") from error
        name = name or path.stem
        beside = path.with_suffix(".toml")
        if head is None and beside.exists():
            head = beside
    if isinstance(head, (str, Path)):
        try:
            head = tomllib.loads(Path(head).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise HeadError(f"head file must be TOML; {head}: {error}") from error
    return data, name, head


def _assemble(name: str, programs: Sequence[Program], head: HeadConfig | None) -> Blob:
    first = programs[0]
    ios = tuple(
        Io(first.plan.offsets[i], first.graph.tensors[i].size_bytes)
        for i in (*first.graph.inputs, *first.graph.outputs)
    )
    entries = [Entry(result=0, network_steps=first.network_steps)]
    if head is not None:
        kind, offset, size = first.result
        head_steps = len(first.calls) - first.network_steps
        entries.append(
            Entry(kind, first.network_steps, first.network_steps, head_steps, offset, size)
        )
    return Blob(
        variants=tuple(p.variant for p in programs),
        inputs=ios[: len(first.graph.inputs)],
        outputs=ios[len(first.graph.inputs) :],
        entries=tuple(entries),
        metadata=_metadata(name, programs, head),
    )


def _metadata(name: str, programs: Sequence[Program], head: HeadConfig | None) -> dict[str, Any]:
    p = programs[0]
    placed = sorted(p.plan.offsets)
    index = {tensor: i for i, tensor in enumerate(placed)}
    metadata: dict[str, Any] = {
        "name": name,
        "tool": f"xipnet {packages.version('xipnet')}",
        "targets": [q.target.name for q in programs],
        "tensors": [_tensor_metadata(p.graph, p.plan, i) for i in placed],
        "inputs": [index[i] for i in p.graph.inputs],
        "outputs": [index[i] for i in p.graph.outputs],
        "steps": [
            {
                "name": _short(c.name),
                "op": c.kind,
                "macs": c.macs,
                "weights": sum(w.nbytes for w in c.weights.values()),
                "outputs": [index[i] for i in c.outputs],
            }
            for c in p.calls
        ],
    }
    if head is not None:
        metadata |= head.metadata()
    return metadata


def _tensor_metadata(graph: Graph, plan: Plan, i: int) -> dict[str, Any]:
    tensor = graph.tensors[i]
    quant = tensor.quant
    return {
        "name": _short(tensor.name),
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "scale": quant.scale[0] if quant else None,
        "zero_point": quant.zero_point[0] if quant else None,
        "offset": plan.offsets[i],
    }


def _short(name: str) -> str:
    """Converters join the names of all layers they fused by ';'; the first one tells enough."""
    return name.split(";")[0]


def _make_golden(native: Blob) -> Golden:
    """The outputs of the host's build of the same program on made-up inputs."""
    size = sum(io.size_bytes for io in native.inputs)
    tensors = [native.metadata["tensors"][i] for i in native.metadata["inputs"]]
    stored = any(t["dtype"] == "float32" for t in tensors)
    if stored:  # random bytes make no sensible floats
        rng = np.random.default_rng(_GOLDEN_SEED)
        inputs = rng.random(size // 4, dtype=np.float32).tobytes()
    else:
        inputs = golden_inputs(_GOLDEN_SEED, size)
    with HostModel(native.pack()) as model:
        at, arrays = 0, []
        for t, io in zip(tensors, native.inputs, strict=True):
            raw = np.frombuffer(inputs, np.uint8, io.size_bytes, at)
            arrays.append(raw.view(t["dtype"]).reshape(t["shape"]))
            at += io.size_bytes
        model.write_inputs(arrays)
        model.run()
        outputs = b"".join(y.tobytes() for y in model.outputs())
    if stored:
        return Golden(outputs=outputs, inputs=inputs)
    return Golden(outputs=outputs, seed=_GOLDEN_SEED)
