"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SHARED_MODELS = ROOT.parent / "shared" / "models"
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

# The same examples everywhere, so that a failure is one for everybody.
settings.register_profile(
    "fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")


def shared_model(name: str) -> Path:
    """A model kept beside the project; the test is skipped where it is absent."""
    path = SHARED_MODELS / name
    if not path.exists():
        pytest.skip(f"needs the model {name}, which is kept beside the project")
    return path


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test uploads makes no other test's upload shorter."""
    monkeypatch.setenv("XIPNET_CACHE", "")
