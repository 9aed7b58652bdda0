"""What is pruned, clustered, trained for integers keeps its promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relocatable.graph.graph import Graph
from relocatable.read_tflite import read_tflite
from tests.train.conftest import Run

pytestmark = pytest.mark.proof("train")


@pytest.fixture(scope="module")
def folder(script: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compressed")
    script("examples/compress_digits28.py", "--quick", "--output", made)
    return made


@pytest.fixture(scope="module")
def table(folder: Path, xipnet: Run) -> dict[str, dict[str, Any]]:
    also = [f"--also={folder / name}.tflite" for name in ("pruned", "clustered", "trained")]
    schemes = ("--scheme", "float32", "--scheme", "int8", "--optimize", "size", "--json")
    at = (folder / "floats.tflite", "--data", folder / "digits28.npz")
    return {row["scheme"]: row for row in json.loads(xipnet("quantize", *at, *schemes, *also))}


def weights(graph: Graph) -> list[np.ndarray]:
    """Return the filters of a network's layers, int8 [outputs, ...]."""
    layers = [op for op in graph.ops if op.kind in ("CONV_2D", "FULLY_CONNECTED")]
    found = [graph.tensors[op.inputs[1]] for op in layers]
    assert [tensor.dtype for tensor in found] == ["int8"] * 4
    return [t.data.reshape(t.shape) for t in found if t.data is not None]


def test_half_of_the_weights_are_zeros(folder: Path) -> None:
    for name in ("pruned", "clustered", "trained"):
        for filters in weights(read_tflite((folder / f"{name}.tflite").read_bytes(), name)):
            assert np.mean(filters == 0) >= 0.49, (name, filters.shape)


def test_a_channel_has_sixteen_values_at_most(folder: Path) -> None:
    for name in ("clustered", "trained"):
        for filters in weights(read_tflite((folder / f"{name}.tflite").read_bytes(), name)):
            assert max(len(np.unique(channel)) for channel in filters) <= 16, name
    pruned = weights(read_tflite((folder / "pruned.tflite").read_bytes(), "pruned"))
    assert max(len(np.unique(channel)) for channel in pruned[2]) > 16


def test_the_table(table: dict[str, dict[str, Any]]) -> None:
    assert list(table) == ["float32", "int8", "pruned", "clustered", "trained"]
    for row in table.values():
        assert row["refused"] is None
        assert row["accuracy"] > 0.9
    flash = {name: row["flash_bytes"] for name, row in table.items()}
    assert flash["clustered"] < flash["pruned"] < flash["int8"] < flash["float32"]
    assert flash["trained"] < flash["pruned"]
