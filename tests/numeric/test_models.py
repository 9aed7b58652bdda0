"""Whole models: every tensor equals LiteRT's reference."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.passes import PASSES
from relocatable.read_tflite import read_tflite
from tests.conftest import shared_model
from tests.numeric.harness import build, mismatch, random_input, reference

MODELS = (
    "cifar_cnn_int8",
    "mlperf_ad01_int8",
    "mlperf_ic_resnet8_int8",
    "mlperf_kws_int8",
    "mlperf_vww_int8",
    "mnist_small_f32",
    "mnist_small_int8",
    "ssd_grid_int8",
    "ssd_grid_int8_cast",
    "ssd_grid_xy",
    "tiny8k_int8",
)


@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_is_litert_s(name: str) -> None:
    data = shared_model(f"{name}.tflite").read_bytes()
    graph = read_tflite(data, name)
    for run_pass in PASSES:
        graph = run_pass(graph)
    [program] = build([graph])
    rng = np.random.default_rng(7)
    for _ in range(2):
        inputs = [
            random_input(rng, graph.tensors[i].shape, graph.tensors[i].dtype) for i in graph.inputs
        ]
        got, want = program.run(inputs), reference(data, inputs)
        for op in graph.ops:
            i = op.outputs[0]
            assert mismatch(got[i], want[i]) == "", f"{op.kind} '{op.name}'"
