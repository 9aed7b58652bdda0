"""The detector, the network under 8 KB, Caffe's: trained with --quick and run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from host_sdk import Device
from host_sdk.converting.caffe import convert_caffe
from host_sdk.quantizing.score import outputs_of
from relocatable.read_tflite import read_tflite
from tests.train.conftest import Run

pytestmark = pytest.mark.proof("train")

HELD_OUT = re.compile(
    r"held_out: (\d+) pictures, (\d+) things, .*precision ([\d.]+), recall ([\d.]+)"
)


@pytest.fixture(scope="module")
def coins(script: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a folder of labelled pictures."""
    made = tmp_path_factory.mktemp("coins")
    script("examples/train_grid_ssd.py", "--make-data", made, "--quick")
    return made


@pytest.mark.sim
@pytest.mark.parametrize("points", [(), ("--points",)], ids=["boxes", "points"])
def test_a_detector_finds_coins_that_it_never_saw(
    points: tuple[str, ...], coins: Path, script: Run, tmp_path: Path
) -> None:
    model = tmp_path / "coins.tflite"
    folders = (coins / "train", coins / "held_out")
    said = script("examples/train_grid_ssd.py", *folders, "-o", model, "--quick", *points)
    found = HELD_OUT.search(said)
    assert found, said
    pictures, things, precision, recall = map(float, found.groups())
    assert (pictures, things > 40) == (12, True)
    assert precision > 0.4, said
    assert recall > 0.75, said
    graph = read_tflite(model.read_bytes(), "coins")
    (source,), (sink,) = graph.inputs, graph.outputs
    assert (graph.tensors[source].dtype, graph.tensors[source].shape) == ("uint8", (1, 320, 320, 3))
    assert graph.tensors[sink].shape == (1, 20, 20, 3 if points else 5)
    assert sum(op.kind == "CONV_2D" for op in graph.ops) == 6
    picture = next(iter(sorted(folders[1].glob("*.png"))))
    with Device("sim://cortex-m55") as board:
        board.load_model(model)  # with the TOML beside it
        seen = board.detect(Image.open(picture))
    assert {one.label for one in seen} == {"coin"}


@pytest.mark.sim
def test_a_network_under_8_kb(script: Run, xipnet: Run, tmp_path: Path) -> None:
    said = script("-m", "examples.tiny8k.train", "--quick", "--output", tmp_path)
    size = re.search(r"^([\d,]+) bytes of weights and biases", said, re.M)
    assert size, said
    assert int(size[1].replace(",", "")) < 8192
    graph = read_tflite((tmp_path / "trained.tflite").read_bytes(), "trained")
    assert sum(op.kind == "HARD_SWISH" for op in graph.ops) == 9
    filters = [graph.tensors[op.inputs[1]] for op in graph.ops if op.kind == "CONV_2D"]
    pointwise = [t.data for t in filters if t.shape[1:3] == (1, 1) and t.data is not None]
    assert len(pointwise) == 4
    assert all(np.mean(values == 0) >= 0.49 for values in pointwise)
    data = tmp_path / "tiny8k.npz"
    also = [f"--also={tmp_path / name}.tflite" for name in ("pruned", "trained")]
    arguments = ("quantize", tmp_path / "floats.tflite", "--data", data, *also)
    said = xipnet(*arguments, "--scheme", "float32", "--scheme", "int8", "--instructions", "--json")
    rows: dict[str, dict[str, Any]] = {row["scheme"]: row for row in json.loads(said)}
    assert [row["refused"] for row in rows.values()] == [None] * 4
    # Of ten classes; a guess is right in a tenth.
    least = {"float32": 0.5, "int8": 0.25, "pruned": 0.5, "trained": 0.4}
    assert {name: rows[name]["accuracy"] > share for name, share in least.items()} == dict.fromkeys(
        least, True
    )
    assert rows["trained"]["instructions"] < 0.5 * rows["float32"]["instructions"]
    told = script("-m", "examples.tiny8k.deploy", tmp_path / "trained.tflite", data)
    stack = re.search(r"([\d,]+) of stack", told)
    assert stack
    assert 0 < int(stack[1].replace(",", "")) < 4096
    assert re.search(r"samples bit-exact +100 of 100", told), told


def test_a_network_of_caffe(script: Run, xipnet: Run, tmp_path: Path) -> None:
    script("-m", "examples.cifar_caffe.train", "--quick", "--output", tmp_path)
    network = tmp_path / "cifar10.prototxt"
    kept = np.load(tmp_path / "cifar10.npz")
    x = kept["x"][:50] / np.float32(255)
    converted = convert_caffe(network, network.with_suffix(".caffemodel"))
    shares = np.load(tmp_path / "shares.npy")
    np.testing.assert_allclose(
        outputs_of(converted.tflite, x).reshape(50, 10), shares[:50], rtol=0, atol=1e-5
    )
    schemes = ("--scheme", "float32", "--scheme", "int8", "--scheme", "qmn", "--json")
    said = xipnet(
        "quantize", network, "--data", tmp_path / "cifar10.npz", "--limit", "200", *schemes
    )
    rows = {row["scheme"]: row for row in json.loads(said)}
    assert rows["float32"]["accuracy"] == np.mean(shares[:200].argmax(1) == kept["y"][:200])
    assert rows["float32"]["accuracy"] > 0.4  # a guess: 0.1
    assert rows["qmn"]["accuracy"] > rows["float32"]["accuracy"] - 0.05
    assert rows["qmn"]["flash_bytes"] < 0.5 * rows["float32"]["flash_bytes"]
