"""No blob of the repository's models grows by more than 2 %."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.blob_sizes import ALLOWED, TARGETS, compare, limits, models, size


@pytest.mark.heavy
@pytest.mark.few(6)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("model", models(), ids=lambda path: path.stem)
def test_size_is_held(model: Path, target: str) -> None:
    before, now = limits()[model.stem][target], size(model, target)
    assert now <= before * ALLOWED, compare(model.stem, target, now, before)


def test_every_size_belongs_to_a_model() -> None:
    assert set(limits()) == {model.stem for model in models()}
