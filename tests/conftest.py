"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED_MODELS = ROOT.parent / "shared" / "models"


def shared_model(name: str) -> Path:
    """A model kept beside the project; the test is skipped where it is absent."""
    path = SHARED_MODELS / name
    if not path.exists():
        pytest.skip(f"needs the model {name}, which is kept beside the project")
    return path
