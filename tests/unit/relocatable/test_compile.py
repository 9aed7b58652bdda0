"""The whole way from .tflite to blob."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relocatable import Blob, compile_model, report, run
from relocatable.errors import HeadError, ModelError
from tests.conftest import ROOT

DIGITS = ROOT / "examples/models/digits.tflite"


@pytest.fixture(scope="module")
def fat() -> bytes:
    return compile_model(DIGITS, target=["cortex-m55", "cortex-m0plus", "host"])


@pytest.mark.heavy
def test_equal_arguments_give_equal_bytes(fat: bytes) -> None:
    assert compile_model(DIGITS, target=["cortex-m55", "cortex-m0plus", "host"]) == fat


@pytest.mark.heavy
def test_fat_blob_runs_like_a_thin_one(fat: bytes) -> None:
    x = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
    if Blob.unpack(fat).metadata["tensors"][0]["dtype"] == "int8":
        x = x.view(np.int8)
    np.testing.assert_array_equal(run(fat, x), run(compile_model(DIGITS, target="host"), x))


@pytest.mark.heavy
def test_head_beside_the_model_is_taken(fat: bytes) -> None:
    blob = Blob.unpack(fat)
    assert blob.metadata["labels"] == [str(i) for i in range(10)]
    assert [e.result for e in blob.entries] == [0, 2]


@pytest.mark.heavy
def test_report_adds_up(fat: bytes) -> None:
    r = report(fat)
    assert r.macs == sum(s.macs for s in r.steps) > 0
    assert sum(s.code_bytes for s in r.steps) <= r.code_bytes
    assert r.code_bytes + r.weight_bytes < r.flash_bytes == len(fat)


@pytest.mark.heavy
def test_layers_are_made_by_rows_unless_all_tensors_are_wanted(fat: bytes) -> None:
    steps = Blob.unpack(fat).metadata["steps"]
    pipeline = next(step for step in steps if "layers" in step)
    assert any(layer["output"] is None for layer in pipeline["layers"])
    assert pipeline["macs"] == sum(layer["macs"] for layer in pipeline["layers"])
    whole = compile_model(DIGITS, target="cortex-m55", whole_tensors=True)
    layers = sum(len(step.get("layers", [0])) for step in steps)
    assert len(Blob.unpack(whole).metadata["steps"]) == layers
    assert report(whole).arena_bytes > report(fat).arena_bytes


@pytest.mark.heavy
def test_golden_vector_is_what_the_host_computes(fat: bytes) -> None:
    golden = Blob.unpack(fat).golden
    assert golden is not None
    assert len(golden.outputs) == sum(io.size_bytes for io in Blob.unpack(fat).outputs)
    assert len(set(golden.outputs)) > 1


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="must be readable"):
        compile_model(tmp_path / "no.tflite")
    with pytest.raises(HeadError, match="must be TOML"):
        compile_model(DIGITS, head=DIGITS)
    with pytest.raises(ValueError, match=r"target must be one of .*; is 'z80'"):
        compile_model(DIGITS, target="z80")
