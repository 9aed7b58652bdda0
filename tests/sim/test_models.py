"""Every model on every virtual board equals LiteRT's reference kernels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from conftest import shared_model

from host_sdk import Device

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
CPUS = ("cortex-m55", "cortex-m7", "cortex-m4")


@pytest.fixture(scope="module", params=CPUS)
def board(request: pytest.FixtureRequest) -> Iterator[Device]:
    with Device(f"sim://{request.param}") as device:
        yield device


def reference(model: bytes, x: np.ndarray) -> np.ndarray:
    """The first output of LiteRT's reference kernels."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(
        model_content=model, experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def random_input(model: bytes) -> np.ndarray:
    """An input of the model's shape and dtype, the same at each call."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    details = litert.Interpreter(model_content=model).get_input_details()[0]
    rng = np.random.default_rng(5)
    if details["dtype"] == np.float32:
        return rng.random(details["shape"], np.float32)
    limits = np.iinfo(details["dtype"])
    return rng.integers(limits.min, limits.max + 1, details["shape"], details["dtype"])


@pytest.mark.sim
@pytest.mark.parametrize("name", MODELS)
def test_equals_litert(board: Device, name: str) -> None:
    model = shared_model(f"{name}.tflite").read_bytes()
    x = random_input(model)
    board.load_model(model, name)
    actual, expected = board.infer(x, raw=True), reference(model, x)
    if expected.dtype == np.float32:
        np.testing.assert_allclose(actual, expected, rtol=4 * 2**-23, atol=1e-6)
    else:
        np.testing.assert_array_equal(actual, expected)
    board.delete(name)


@pytest.mark.sim
def test_same_bytes_run_at_two_addresses(board: Device) -> None:
    from relocatable import compile_model

    path = shared_model("mnist_small_int8.tflite")
    x = random_input(path.read_bytes())
    blob = compile_model(path, target=board.info().cpu)
    outputs = []
    for name in ("first", "second"):
        board.put(name, blob) if False else board.load_model(blob, name)
        outputs.append(board.infer(x, raw=True))
    offsets = {o.name: o for o in board.models()}
    assert {"first", "second"} <= set(offsets)
    np.testing.assert_array_equal(outputs[0], outputs[1])
