"""Every model on every virtual board equals LiteRT's reference kernels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from host_sdk import Device
from relocatable import compile_model, run
from relocatable.graph.builder import GraphBuilder
from relocatable.graph.graph import Quant
from relocatable.ops._shared.random import random_input
from relocatable.read_tflite import read_tflite
from tests.conftest import MODELS, ROOT, shared_model
from tests.make_tflite import make_tflite
from tests.numeric.harness import reference

pytestmark = pytest.mark.sim

DIGITS = ROOT / "examples/models/digits.tflite"
LARGE = pytest.mark.slow  # a megabyte over the UART
CASES = [pytest.param(m, marks=LARGE) if m.startswith("ssd") else m for m in MODELS]


@pytest.fixture(scope="module", params=("cortex-m55", "cortex-m7", "cortex-m4"))
def board(request: pytest.FixtureRequest) -> Iterator[Device]:
    with Device(f"sim://{request.param}") as device:
        yield device


@pytest.mark.few(4)
@pytest.mark.parametrize("name", CASES)
def test_equals_litert(board: Device, name: str) -> None:
    data = shared_model(f"{name}.tflite").read_bytes()
    graph = read_tflite(data, name)
    given, wanted = graph.tensors[graph.inputs[0]], graph.outputs[0]
    x = random_input(np.random.default_rng(5), given.shape, given.dtype)
    board.load_model(data, name)
    actual, expected = board.infer(x, raw=True), reference(data, [x])[wanted]
    if expected.dtype == np.float32:
        np.testing.assert_allclose(actual, expected, rtol=4 * 2**-23, atol=1e-6)
    else:
        np.testing.assert_array_equal(actual, expected)
    board.rm(name)


@pytest.fixture(scope="module")
def fat_blob() -> bytes:
    return compile_model(DIGITS, target=["cortex-m4", "cortex-m55", "host"])


def test_one_blob_runs_on_several_boards(board: Device, fat_blob: bytes) -> None:
    x = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
    loaded = board.load_model(fat_blob, "digits")
    assert loaded.golden  # the same one for all its programs
    np.testing.assert_array_equal(board.infer(x, raw=True), run(fat_blob, x))
    assert board.classify(x[0, :, :, 0])[0].label in "0123456789"
    board.rm("digits")


def test_same_bytes_run_at_two_addresses(board: Device) -> None:
    blob = compile_model(DIGITS, target=board.info().cpu)
    x = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
    board.exec("import xipnet")
    outputs, addresses = [], []
    for _ in range(2):  # the second upload goes behind the first one's place
        board.load_model(blob, "digits")
        addresses.append(board.eval("xipnet.models()[0]['address']"))
        outputs.append(board.infer(x, raw=True))
        board.rm("digits")
    assert addresses[0] != addresses[1]
    np.testing.assert_array_equal(outputs[0], outputs[1])


def test_values_of_16_bits_go_in_and_out(board: Device) -> None:
    b = GraphBuilder()
    quant = Quant((0.001,), (0,))
    x = b.input(1, 2, 3, 4, dtype="int16", quant=quant)
    y = b.tensor(1, 3, 4, 2, dtype="int16", quant=quant)
    graph = b.graph(b.op("TRANSPOSE", (x, b.constant([0, 2, 3, 1])), y))
    values = random_input(np.random.default_rng(6), (1, 2, 3, 4), "int16")
    expected = values.transpose(0, 2, 3, 1)
    board.load_model(make_tflite(graph), "wide")
    np.testing.assert_array_equal(board.infer(values, raw=True), expected)
    board.exec(
        "import array, xipnet\n"
        "model = xipnet.Model('wide')\n"
        f"made = list(model.run(array.array('h', {values.reshape(-1).tolist()})))"
    )
    assert board.eval("made") == expected.reshape(-1).tolist()
    board.rm("wide")
