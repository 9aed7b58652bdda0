"""Hostile files run nothing: the converter is not even started."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_sdk import ModelFileError, UnsafeModelError
from host_sdk.inference.model_source import open_model
from tests.unit.host_sdk.converting import hostile
from tests.unit.host_sdk.converting.conftest import Recorded

# Refused for what they are, and not for what they would do.
OTHERWISE = ("torch_pickle", "torch_state", "foreign_operator", "linked_variables")


@pytest.mark.parametrize("name", hostile.FILES)
def test_nothing_runs(name: str, tmp_path: Path, recorded: Recorded) -> None:
    marker = tmp_path / "marker"
    path = hostile.FILES[name](tmp_path, marker)
    with pytest.raises(ModelFileError) as caught:
        open_model(path)
    assert isinstance(caught.value, UnsafeModelError) is (name not in OTHERWISE)
    assert path.name in str(caught.value)
    assert recorded.asked == []
    assert not marker.exists()


def test_the_code_of_the_lambda_is_real(tmp_path: Path) -> None:
    import base64
    import marshal
    from types import FunctionType

    marker = tmp_path / "marker"
    code = marshal.loads(base64.b64decode(hostile.code_of(marker)))
    FunctionType(code, {"open": open})(1)
    assert marker.exists()


def test_trust_starts_the_converter(tmp_path: Path, recorded: Recorded) -> None:
    marker = tmp_path / "marker"
    for name in ("lambda_layer", "python_operation"):
        open_model(hostile.FILES[name](tmp_path, marker), trust=True)
    assert [asked[4:] for asked in recorded.asked] == [["--trust"], ["--trust"]]
