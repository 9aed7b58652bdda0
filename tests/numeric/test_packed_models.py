"""Clustered and pruned models: smaller blobs with LiteRT's outputs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import relocatable.compile
from relocatable import Report, compile_model, report
from relocatable.blob.host import HostModel
from relocatable.codegen.toolchain import CodeOptimize
from relocatable.compile import build_blob, lower, plan_network, read_network
from relocatable.ops.select_kernels import select_kernels
from relocatable.read_tflite import read_tflite
from relocatable.steps.packed_filters import FOR_SIZE, Packing, is_packed, with_packed_filters
from relocatable.targets import TARGETS
from tests.conftest import MODELS_DIR
from tests.make_tflite import random_inputs, run_litert
from tests.models.cluster import cluster
from tests.numeric.on_target import run_steps_on_target

WAYS: dict[str, dict[str, Any]] = {
    "clustered": {"values": 16},
    "clustered by channel": {"values": 16, "by_channel": True},
    "pruned": {"values": None, "zeros": 0.5},
    "pruned and clustered": {"values": 16, "zeros": 0.5},
}
CPUS = ("cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m55")


@cache
def changed(name: str, way: str) -> bytes:
    return cluster((MODELS_DIR / f"{name}.tflite").read_bytes(), **WAYS[way])


def dense(name: str, target: str) -> Report:
    data = (MODELS_DIR / f"{name}.tflite").read_bytes()
    return report(compile_model(data, target=target, optimize="size", golden=False))


@pytest.mark.heavy
@pytest.mark.parametrize("target", CPUS)
def test_blobs_are_smaller(target: str) -> None:
    before = dense("mnist_small_int8", target)
    for way in WAYS:
        data = changed("mnist_small_int8", way)
        after = report(compile_model(data, target=target, optimize="size", golden=False))
        # The code that unpacks is in it.
        assert after.flash_bytes < before.flash_bytes, way
        assert after.saved_bytes >= before.weight_bytes - after.weight_bytes - 64 > 0, way
        assert after.unpack_instructions > 0


@pytest.mark.heavy
def test_no_blob_is_larger_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # The code takes more than is reckoned.
    always = Packing(layer_code=-(1 << 20), shared_code=0, windows=1, most_loss=1000)
    monkeypatch.setitem(relocatable.compile._PACKING, "speed", always)
    data = (MODELS_DIR / "tiny8k_int8.tflite").read_bytes()
    network, target = read_network(data, name="model"), "cortex-m55"
    assert is_packed(plan_network(network, target, "speed").calls)
    plain = build_blob("model", plan_network(network, target, "speed", packs=False), "speed")
    blob = compile_model(data, target=target, golden=False)
    assert blob == plain.pack()


@pytest.mark.parametrize("target", CPUS)
def test_codes_and_codebooks_of_a_clustered_model_are_small(target: str) -> None:
    graph = lower(read_tflite(changed("mnist_small_int8", "clustered"), "test"))
    calls = select_kernels(graph, TARGETS[target])
    packed = with_packed_filters(calls, FOR_SIZE)
    layers = [call for call in calls if call.filters is not None]
    stored = [call for call in packed if call.filters is not None]
    weights = sum(graph.tensors[op.inputs[1]].size_bytes for op in graph.ops if len(op.inputs) > 2)
    sizes = [sum(call.weights["filter"].nbytes for call in found) for found in (layers, stored)]
    assert weights - (sizes[0] - sizes[1]) <= 0.62 * weights


@pytest.mark.heavy
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["mnist_small_int8", "mnist_small_f32", "cifar_cnn_int8"])
def test_outputs_are_those_of_litert(name: str, way: str) -> None:
    data = changed(name, way)
    blob = compile_model(data, target="host", optimize="size", golden=False)
    assert report(blob).saved_bytes > 0
    graph = read_tflite(data, "test")
    with HostModel(blob) as model:
        for seed in range(4):
            inputs = random_inputs(graph, seed)
            model.write_inputs(inputs)
            model.run()
            for got, want in zip(model.outputs(), run_litert(data, inputs), strict=True):
                if want.dtype == np.float32:
                    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)
                else:
                    assert np.array_equal(got, want)


@pytest.mark.sim
@pytest.mark.few(2)
@pytest.mark.parametrize("optimize", ["speed", "size"])
@pytest.mark.parametrize("target", CPUS)
def test_programs_by_rows_on_virtual_cpus(
    target: str, optimize: CodeOptimize, tmp_path: Path
) -> None:
    data = changed("cifar_cnn_int8", "pruned and clustered")
    program = plan_network(read_network(data), target, optimize)
    assert is_packed(program.calls)
    inputs = random_inputs(program.graph, 1)
    arena = run_steps_on_target(
        *(program.graph, program.calls[0], program.plan, inputs, target, tmp_path, optimize)
    )
    [want] = run_litert(data, inputs)
    at = program.plan.offsets[program.graph.outputs[0]]
    assert np.array_equal(arena[at : at + want.nbytes].view(want.dtype), want.reshape(-1))
