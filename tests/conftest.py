"""What all tests share: models, one set of random examples, proofs and samples."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import sampling

ROOT = Path(__file__).resolve().parent.parent
MODELS_DIR = ROOT / "tests" / "models"
SHARED_MODELS = ROOT.parent / "shared" / "models"

# Kept in the repository.
SMALL_MODELS = ("cifar_cnn_int8", "mnist_small_f32", "mnist_small_int8", "tiny8k_int8")
# Kept beside it: a case that has one of these as a parameter is a proof.
LARGE_MODELS = (
    "mlperf_ad01_int8",
    "mlperf_ic_resnet8_int8",
    "mlperf_kws_int8",
    "mlperf_vww_int8",
    "ssd_grid_int8",
    "ssd_grid_int8_cast",
    "ssd_grid_xy",
)
MODELS = (*SMALL_MODELS, *LARGE_MODELS)

# The same examples everywhere: a failure is one for everybody.
settings.register_profile(
    "fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")


def shared_model(name: str) -> Path:
    """Find a model in the repository or beside it; skip the test if it is in neither."""
    for folder in (MODELS_DIR, SHARED_MODELS):
        if (folder / name).exists():
            return folder / name
    pytest.skip(f"needs the model {name}, which is kept beside the project")


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch the cache off: one test's upload must not shorten another's."""
    monkeypatch.setenv("XIPNET_CACHE", "")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("xipnet")
    group.addoption("--tier", type=int, help="run one of the three tiers of CI")
    group.addoption("--proof", metavar="NAME", help="run only the proof NAME (make proof-NAME)")
    sampling.add_options(group)


# Folders whose tests compile the core, or are samples of long proofs.
SECOND = ("c", "powerloss", "fuzz")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    tier, proof = config.getoption("--tier"), config.getoption("--proof")
    if proof:
        kept = [item for item in items if proof in proofs(item)]
    else:
        kept = sampling.choose(config, [item for item in items if is_ordinary(item)])
    if tier:
        kept = [item for item in kept if tier_of(item) == tier]
    chosen = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = kept


def tier_of(item: pytest.Item) -> int:
    """Say in which tier of CI a test runs (CONTRIBUTING.md)."""
    if item.get_closest_marker("slow"):
        return 3
    is_second = sampling.is_exactness(item) or item.path.parent.name in SECOND
    return 2 if is_second or any(item.get_closest_marker(m) for m in ("sim", "heavy")) else 1


def is_ordinary(item: pytest.Item) -> bool:
    """Say whether a test runs when no proof is asked for."""
    return not names_large_model(item) and not item.get_closest_marker("proof")


def proofs(item: pytest.Item) -> set[str]:
    """Name the proofs that a test belongs to."""
    named = {str(mark.args[0]) for mark in item.iter_markers("proof")}
    if names_large_model(item):
        named.add("models")
    elif not named and sampling.is_exactness(item):
        named.add("exact")
    elif few := item.get_closest_marker(sampling.FEW):
        named.add(few.kwargs.get("proof", "cases"))
    return named


def names_large_model(item: pytest.Item) -> bool:
    """Say whether a parameter of the test is a model that is not in the repository."""
    spec = getattr(item, "callspec", None)
    values = spec.params.values() if spec else ()
    return any(isinstance(v, str) and v.removesuffix(".tflite") in LARGE_MODELS for v in values)


def pytest_report_header(config: pytest.Config) -> str:
    return sampling.describe(config)
