"""Networks of Caffe as .tflite, beside OpenCV's reader of the same files."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from host_sdk.converting.caffe import convert_caffe
from host_sdk.converting.caffe.pooling import pool_side
from host_sdk.converting.formats.caffe import find_files
from host_sdk.errors import ModelFileError, UnsafeModelError
from host_sdk.inference.model_source import open_model
from relocatable.read_tflite import read_tflite
from tests.make_tflite import run_litert
from tests.unit.host_sdk.converting.caffe_networks import FULL, arrays, picture, write_network
from tests.unit.host_sdk.converting.opencv_outputs import opencv_outputs, python_with_opencv

OPENCV = json.loads((Path(__file__).parent / "opencv.json").read_text())


def outputs(tflite: bytes, x: np.ndarray) -> np.ndarray:
    return run_litert(tflite, [x.transpose(1, 2, 0)[np.newaxis]])[0].ravel()


@pytest.mark.parametrize("name", ["full", "old"])
def test_the_same_numbers_as_opencv(tmp_path: Path, name: str) -> None:
    converted = convert_caffe(*write_network(tmp_path, name))
    assert np.abs(outputs(converted.tflite, picture(name)) - OPENCV[name]).max() < 1e-5


@pytest.mark.proof("convert")
@pytest.mark.parametrize("name", ["full", "old"])
def test_the_numbers_are_opencvs(name: str) -> None:
    python = python_with_opencv()
    if python is None:
        pytest.skip("needs OpenCV: python3-opencv")
    assert np.abs(np.array(opencv_outputs(python, name)) - OPENCV[name]).max() < 1e-5


def test_names_and_operators(tmp_path: Path) -> None:
    graph = read_tflite(convert_caffe(*write_network(tmp_path, "old")).tflite, "old")
    assert [op.kind for op in graph.ops] == [
        *("CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX")
    ]
    assert [graph.tensors[i].name for i in (*graph.inputs, *graph.outputs)] == ["data", "prob"]
    assert graph.tensors[graph.inputs[0]].shape == (1, 12, 12, 1)


def test_weights_in_hdf5(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    prototxt, caffemodel = write_network(tmp_path, "old")
    weights = tmp_path / "old.caffemodel.h5"
    shapes = {"conv1": [(4, 1, 3, 3), (4,)], "ip1": [(5, 100), (5,)]}
    with h5py.File(weights, "w") as file:
        for seed, (layer, of) in enumerate(shapes.items()):
            for number, array in enumerate(arrays(of, seed)):
                file[f"data/{layer}/{number}"] = array
    assert convert_caffe(prototxt, weights).tflite == convert_caffe(prototxt, caffemodel).tflite


def test_normalisation_adds_k(tmp_path: Path) -> None:
    # OpenCV takes k for 1 whatever it is; the formula is caffe.proto's.
    prototxt, weights = write_network(tmp_path, "old")
    lines = prototxt.read_text().splitlines()
    lines[5:] = [
        'layers { name: "norm" type: LRN bottom: "conv1" top: "norm"',
        "         lrn_param { local_size: 3 alpha: 2 beta: 0.5 k: 5 } }",
    ]
    x = picture("old")
    prototxt.write_text("\n".join(lines[:5]))
    before = outputs(convert_caffe(prototxt, weights).tflite, x).reshape(-1, 4)
    prototxt.write_text("\n".join(lines))
    around = np.pad(before**2, ((0, 0), (1, 1)))
    wanted = before / np.sqrt(5 + 2 / 3 * (around[:, :-2] + around[:, 1:-1] + around[:, 2:]))
    found = outputs(convert_caffe(prototxt, weights).tflite, x)
    assert np.abs(found - wanted.ravel()).max() < 1e-6


def test_weights_in_hdf5_are_within_the_file(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    prototxt, _ = write_network(tmp_path, "old")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["values"] = np.zeros((4, 1, 3, 3), np.float32)
    weights = tmp_path / "old.caffemodel.h5"
    with h5py.File(weights, "w") as file:
        file["data/conv1/0"] = h5py.ExternalLink("other.h5", "values")
    with pytest.raises(UnsafeModelError, match="its parts must be in the file"):
        convert_caffe(prototxt, weights)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pad", "floor", "out", "counted"),
    [
        (32, 3, 2, 0, False, 16, [3] * 15 + [2]),
        (32, 3, 2, 0, True, 15, [3] * 15),
        (8, 3, 2, 1, False, 5, [3, 3, 3, 3, 2]),
        (7, 2, 2, 1, False, 4, [2, 2, 2, 2]),
        (4, 3, 3, 1, False, 2, [3, 3]),
    ],
)
def test_pooling_rounds_up(
    size: int, kernel: int, stride: int, pad: int, floor: bool, out: int, counted: list[int]
) -> None:
    side = pool_side(size, kernel, stride, pad, floor)
    assert (side.out, side.counted().tolist()) == (out, counted)


def test_the_files_are_found_by_one_of_them(tmp_path: Path) -> None:
    prototxt, weights = write_network(tmp_path, "old")
    tflite = convert_caffe(prototxt, weights).tflite
    assert open_model(prototxt).data == open_model(weights).data == tflite
    weights = weights.rename(tmp_path / "old_iter_60000.caffemodel")
    assert find_files(prototxt) == (prototxt, weights)
    (tmp_path / "old_iter_70000.caffemodel").write_bytes(weights.read_bytes())
    with pytest.raises(ModelFileError, match="there are 2"):
        find_files(prototxt)


# ---- What is not taken ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('type: "Softmax"', 'type: "Python"', "layers that are not converted: Python"),
        ("num_output: 6", "num_output: 7", "layer ip1 (InnerProduct): weights are [6, 320], must"),
        ("group: 2", "group: 3", "group 3 must divide 8 inputs and 8 outputs"),
        ('bottom: "wide"', 'bottom: "wild"', "layer flat: takes wild, which nothing gives"),
        ("1.0 beta: 0.75", "1.0 beta: 0.6", "beta 0.6; converted are 0.5, 0.75 and 1"),
        ("local_size: 5", "local_size: 4", "local_size 4, must be odd"),
        ("pool: AVE kernel_size: 3", "pool: AVE kernel_size: 99", "kernel 99, stride 2, pad 0 on"),
        (
            "kernel_size: 5 }",
            "kernel_size: 5 stride: 0 }",
            "stride, dilation, group and num_output",
        ),
        ("input_dim: 32", "input_dim: 0", "must be batch x C x H x W"),
        ("input_dim: 30", "input_dim: 30 input_dim: 3", "1 inputs, 2 shapes"),
        ("bias_term: false", "bias_term: true", "1 weights beside it, must be 2"),
        ("name: ", "nom\x1b[2Je: {", "is no description of a Caffe network"),
    ],
)
def test_refusals_name_the_rule_and_the_place(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    _, weights = write_network(tmp_path, "full")
    assert FULL.count(old) >= 1
    prototxt = tmp_path / "changed.prototxt"
    prototxt.write_text(FULL.replace(old, new, 1))
    with pytest.raises(ModelFileError, match=re.escape(words)) as refused:
        convert_caffe(prototxt, weights)
    assert "\x1b" not in str(refused.value)


def test_a_database_has_no_shape(tmp_path: Path) -> None:
    _, weights = write_network(tmp_path, "full")
    prototxt = tmp_path / "train.prototxt"
    data = 'layer { name: "data" type: "Data" top: "data" transform_param { crop_size: 0 } }'
    prototxt.write_text(FULL.replace(FULL.splitlines()[2], data))
    with pytest.raises(ModelFileError, match="the shape of its pictures is in its database"):
        convert_caffe(prototxt, weights)


def test_a_network_for_training_is_cut_down_to_its_test(tmp_path: Path) -> None:
    prototxt, weights = write_network(tmp_path, "old")
    text = (
        prototxt.read_text()
        .replace("SOFTMAX", "SOFTMAX_LOSS")
        .replace('"ip1" top', '"ip1" bottom: "label" top')
    )
    first = text.splitlines()[2]
    layers = """
    layers { name: "d" type: DATA top: "data" top: "label" include { phase: TRAIN } }
    layers { name: "d" type: MEMORY_DATA top: "data" top: "label" include { phase: TEST }
             memory_data_param { batch_size: 9 channels: 1 height: 12 width: 12 }
             transform_param { scale: 0.5 mean_value: 33 } }
    layers { name: "hits" type: ACCURACY bottom: "ip1" bottom: "label" top: "hits" }
    """
    before, after = text.split(first)
    accuracy = layers.rindex("layers {")
    train = tmp_path / "train.prototxt"
    train.write_text(before + layers[:accuracy] + after + layers[accuracy:])
    converted = convert_caffe(train, weights)
    assert np.abs(outputs(converted.tflite, picture("old")) - OPENCV["old"]).max() < 1e-5
    assert "less 33, times 0.5" in converted.notes[0]


@pytest.mark.parametrize("data", [b"", b"\xff" * 99, b"\x0a\x03abc", b"layer"])
def test_damaged_weights(tmp_path: Path, data: bytes) -> None:
    prototxt, weights = write_network(tmp_path, "old")
    weights.write_bytes(data)
    with pytest.raises(ModelFileError, match="caffemodel"):
        convert_caffe(prototxt, weights)


def test_damaged_files_are_refused_or_converted(tmp_path: Path) -> None:
    prototxt, weights = write_network(tmp_path, "old")
    rng = np.random.default_rng(5)
    whole, text = weights.read_bytes(), prototxt.read_bytes()
    for _ in range(100):
        for path, data in ((weights, whole), (prototxt, text)):
            damaged = bytearray(data)
            for at in rng.integers(0, len(data), 3):
                damaged[at] = rng.integers(0, 256)
            path.write_bytes(damaged)
            with contextlib.suppress(ModelFileError):
                convert_caffe(prototxt, weights)
            path.write_bytes(data)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    _, weights = write_network(tmp_path, "old")
    prototxt = tmp_path / "deep.prototxt"
    prototxt.write_text("a {" * 100_000)
    with pytest.raises(ModelFileError, match="is no description"):
        convert_caffe(prototxt, weights)
