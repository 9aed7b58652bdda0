"""A copy of the project, for planting what a guard must find."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.tree import copy_tree


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the project into a folder of the test."""
    copy_tree(ROOT, tmp_path)
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text, which must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
