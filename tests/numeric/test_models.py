"""Whole models: every tensor equals LiteRT's reference."""

from __future__ import annotations

import numpy as np
import pytest

from relocatable.ops._shared.random import random_input
from relocatable.passes import PASSES
from relocatable.read_tflite import read_tflite
from tests.conftest import MODELS, shared_model
from tests.numeric.harness import build, mismatch, reference


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
