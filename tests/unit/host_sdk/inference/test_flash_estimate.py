"""The size of a blob before it is compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_sdk.inference.flash_estimate import estimate_flash
from relocatable.compile import compile_model, plan_network, read_network
from tests.conftest import MODELS_DIR, ROOT

EXAMPLES = ROOT / "examples" / "models"


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("path", "target"),
    [
        (EXAMPLES / "digits.tflite", "cortex-m0plus"),
        (MODELS_DIR / "gru_int8.tflite", "cortex-m55"),
    ],
)
def test_the_blob_is_within_the_estimate(path: Path, target: str) -> None:
    network = read_network(path)
    low, high = estimate_flash(network, plan_network(network, target))
    size = len(compile_model(path, target=target))
    assert low <= size <= high
    assert low > 0.4 * size


def test_weights_of_a_small_build_are_counted_as_they_are_stored() -> None:
    network = read_network(MODELS_DIR / "mnist_small_f32.tflite")
    program = plan_network(network, "cortex-m4")
    fast, small = (estimate_flash(network, program, o)[0] for o in ("speed", "size"))
    assert small <= fast
