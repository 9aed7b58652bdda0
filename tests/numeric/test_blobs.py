"""Whole blobs on a virtual CPU: LiteRT's outputs, and the golden vector."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from relocatable import Blob, HostModel, compile_model
from relocatable.blob.blob import (
    DETECTION_DTYPE,
    RESULT_HEADER_BYTES,
    Variant,
    golden_inputs,
)
from relocatable.codegen.toolchain import Code
from relocatable.ops._shared.random import random_input
from relocatable.read_tflite import read_tflite
from tests.conftest import MODELS, ROOT, shared_model
from tests.numeric.harness import Array, mismatch, reference
from tests.numeric.machines import MACHINES, run_on_machine

pytestmark = pytest.mark.sim

EXAMPLES = ("coins", "digits", "shade2")


def model_path(name: str) -> Path:
    if name in EXAMPLES:
        return ROOT / "examples/models" / f"{name}.tflite"
    return shared_model(f"{name}.tflite")


def run_entry(
    blob: Blob, variant: Variant, target: str, entry: int, inputs: list[bytes], folder: Path
) -> npt.NDArray[np.uint8]:
    """Run an entry of a blob, from its first state; returns the arena."""
    e = blob.entries[entry]
    begin, count = (s.reset_step, s.reset_steps) if (s := blob.state) else (0, 0)
    steps = (
        *range(begin, begin + count),
        *range(e.network_steps),
        *range(e.head_step, e.head_step + e.head_steps),
    )
    code = Code(variant.code, tuple(variant.steps[i] for i in steps), variant.stack_bytes)
    arena = np.zeros(variant.arena_bytes, np.uint8)
    for io, raw in zip(blob.inputs, inputs, strict=True):
        arena[io.arena_offset : io.arena_offset + io.size_bytes] = np.frombuffer(raw, np.uint8)
    outcome = run_on_machine(MACHINES[target], code, variant.weights, arena, folder)
    assert outcome.stack_bytes <= variant.stack_bytes
    return outcome.arena


def outputs(blob: Blob, arena: npt.NDArray[np.uint8]) -> list[bytes]:
    return [arena[o.arena_offset : o.arena_offset + o.size_bytes].tobytes() for o in blob.outputs]


@pytest.mark.parametrize("target", ["rv32imac", "cortex-m0plus"])
@pytest.mark.parametrize("name", [*EXAMPLES, *MODELS])
def test_outputs_are_litert_s(name: str, target: str, tmp_path: Path) -> None:
    model = model_path(name)
    blob = Blob.unpack(compile_model(model, target=target, golden=False))
    graph = read_tflite(model.read_bytes(), name)
    rng = np.random.default_rng(12)
    tensors = [graph.tensors[i] for i in graph.inputs]
    inputs: list[Array] = [random_input(rng, t.shape, t.dtype) for t in tensors]
    raw = [x.tobytes() for x in inputs]
    got = outputs(blob, run_entry(blob, blob.variants[0], target, 0, raw, tmp_path))
    want = reference(model.read_bytes(), inputs)
    for i, data in zip(graph.outputs, got, strict=True):
        tensor = graph.tensors[i]
        array = np.frombuffer(data, tensor.dtype).reshape(tensor.shape)
        assert mismatch(array, want[i]) == "", tensor.name


@pytest.mark.parametrize("name", EXAMPLES)
def test_golden_vector(name: str, tmp_path: Path) -> None:
    blob = Blob.unpack(compile_model(model_path(name), target=["cortex-m4", "rv32imac"]))
    assert blob.golden is not None
    total = sum(io.size_bytes for io in blob.inputs)
    golden = blob.golden
    stream = golden.inputs or golden_inputs(golden.seed, total, golden.floats)
    ends = np.cumsum([io.size_bytes for io in blob.inputs])
    inputs = [stream[end - io.size_bytes : end] for io, end in zip(blob.inputs, ends, strict=True)]
    arena = run_entry(blob, blob.variants[1], "rv32imac", 0, inputs, tmp_path)
    made = b"".join(outputs(blob, arena))
    assert (sha256(made).digest() if golden.hashed else made) == golden.outputs


def test_detections(tmp_path: Path) -> None:
    data = compile_model(model_path("coins"), target=["rv32imac", "host"], golden=False)
    blob = Blob.unpack(data)
    [port] = blob.metadata["inputs"]
    _, height, width, channels = port["shape"]
    gray = Image.open(ROOT / "examples/coins.png").convert("L").resize((width, height))
    picture = np.repeat(np.asarray(gray)[None, :, :, None], channels, axis=3)
    with HostModel(data) as host:
        host.write_inputs([picture])
        host.run(1)
        want = host.result(1)
    arena = run_entry(blob, blob.variants[0], "rv32imac", 1, [picture.tobytes()], tmp_path)
    count = int.from_bytes(want[:4], "little")
    at, size = blob.entries[1].result_offset, RESULT_HEADER_BYTES + count * DETECTION_DTYPE.itemsize
    assert count > 5
    assert arena[at : at + size].tobytes() == want[:size]
