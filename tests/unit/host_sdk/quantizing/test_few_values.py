"""Models of few weights, made without training."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from host_sdk.cli import main
from host_sdk.errors import InputError, ModelFileError
from host_sdk.quantizing.few_values import _centres, _few_values, compress_model, output_error
from host_sdk.quantizing.quantize import quantize_model
from relocatable import compile_model, report
from relocatable.graph.graph import Graph
from relocatable.read_tflite import read_tflite
from tests.conftest import MODELS_DIR
from tests.fuzz.mutants import mutant
from tests.unit.host_sdk.quantizing.test_quantize import MODEL, X, Y

pytestmark = pytest.mark.heavy

INT8 = (MODELS_DIR / "mnist_small_int8.tflite").read_bytes()
FLOAT32 = (MODELS_DIR / "mnist_small_f32.tflite").read_bytes()


def filters(graph: Graph) -> list[np.ndarray]:
    layers = [op for op in graph.ops if op.kind in ("CONV_2D", "FULLY_CONNECTED")]
    found = [graph.tensors[op.inputs[1]].data for op in layers]
    assert all(values is not None for values in found)
    return [np.asarray(values) for values in found]


@pytest.mark.parametrize(("model", "bits"), [(INT8, 2), (INT8, 4), (FLOAT32, 4), (FLOAT32, 8)])
def test_each_layer_or_channel_has_few_values_and_0_among_them(model: bytes, bits: int) -> None:
    before, after = read_tflite(model, "m"), read_tflite(compress_model(model, bits).tflite, "m")
    assert [t.shape for t in before.tensors] == [t.shape for t in after.tensors]
    for old, new in zip(filters(before), filters(after), strict=True):
        rows = new.reshape(len(new), -1)
        most = max(len(np.unique(row)) for row in rows)
        assert most <= 1 << bits
        if len(np.unique(new)) > 1 << bits:  # a codebook for each channel
            assert rows.shape[1] >= 16 * (1 << bits) * new.itemsize
        assert np.all(new[old == 0] == 0)
        assert np.abs(new.astype(float) - old).max() < np.abs(old.astype(float)).max()


@pytest.mark.parametrize("seed", range(5))
def test_centres_have_the_least_squared_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(-9, 10, 9).astype(np.float64)
    weight = rng.uniform(0.5, 2, 9)

    def error(centres: np.ndarray) -> float:
        return float((weight * np.abs(values[:, None] - centres).min(axis=1) ** 2).sum())

    order = np.argsort(values)
    least = np.inf
    for cut in itertools.combinations(range(1, 9), 2):
        parts = np.split(order, cut)
        means = np.array([np.average(values[part], weights=weight[part]) for part in parts])
        least = min(least, error(means))
    assert error(_centres(values, weight, 3)) == pytest.approx(least)


def test_it_saves_flash_and_says_what_it_costs() -> None:
    made = compress_model(INT8, 4)
    dense, few = (
        report(compile_model(data, target="cortex-m4", optimize="size")).flash_bytes
        for data in (INT8, made.tflite)
    )
    assert few < 0.85 * dense
    assert [layer.weights for layer in made.layers] == [200, 800, 9216, 640]
    assert all(0 < layer.error < 0.12 for layer in made.layers)
    assert (
        0
        < output_error(INT8, made.tflite)
        < 0.05
        < output_error(INT8, compress_model(INT8, 2).tflite)
    )
    assert output_error(INT8, INT8) == 0


def test_what_has_few_values_stays() -> None:
    made = compress_model(INT8, 4).tflite
    with pytest.raises(ModelFileError, match="more than 16 different weights"):
        compress_model(made, 4)
    with pytest.raises(ModelFileError, match="more than 256 different weights"):
        compress_model(INT8, 8)
    with pytest.raises(InputError, match="bits must be one of 2, 4, 8; is 3"):
        compress_model(INT8, 3)
    with pytest.raises(ModelFileError):
        compress_model(b"no model", 4)


def test_rows_of_the_table() -> None:
    rows = quantize_model(MODEL, X, Y, schemes=["float32", "int8"], compress=2)
    assert [row.scheme for row in rows] == ["float32", "float32+2bit", "int8", "int8+2bit"]
    assert rows[0].error == 0 < rows[1].error
    assert rows[3].title.endswith("; 4 weights a layer or channel")
    with pytest.raises(InputError, match="compress must be one of"):
        quantize_model(MODEL, X, Y, schemes=["float32"], compress=5)


def test_the_command_builds_and_tells(tmp_path: Path) -> None:
    model, blob = tmp_path / "m.tflite", tmp_path / "m.bin"
    model.write_bytes(INT8)
    arguments = [
        "build",
        str(model),
        "--compress",
        "4bit",
        "--target",
        "cortex-m4",
        "-o",
        str(blob),
    ]
    said = CliRunner().invoke(main, arguments)
    assert said.exit_code == 0
    assert "compressed filter of" in said.output
    assert "of their range on random inputs" in said.output
    expected = compile_model(compress_model(INT8, 4).tflite, target="cortex-m4", name="m")
    assert blob.read_bytes() == expected
    told = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).output)
    assert len(told["compressed"]) == 4
    assert 0 < told["output_error"] < 0.05


@pytest.mark.parametrize("channels", [4, 1])
def test_channels_of_scale_0_do_no_harm(channels: int) -> None:
    rows = np.random.default_rng(4).integers(-127, 128, (channels, 40)).astype(np.int8)
    quantization = SimpleNamespace(scale=[0.0, *[0.1] * (channels - 1)], zeroPoint=[0] * channels)
    made = _few_values(rows, quantization, 16)
    assert made is not None
    changed, _, error = made
    assert len(np.unique(changed)) <= 16
    assert np.abs(changed.astype(int) - rows.reshape(-1)).max() < 64
    assert 0 < error < 0.2


@pytest.mark.parametrize("number", [1026463, 1026559, 1026655, 1026741, 2027744])
def test_tables_that_only_the_schema_reads_are_damaged(number: int) -> None:
    with pytest.raises(ModelFileError, match="tables must fit the file"):
        compress_model(mutant(number), 4)
