from __future__ import annotations

from pathlib import Path

import pytest

from host_sdk import Device
from host_sdk.trust.keys import new_key
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.scripted_board import ScriptedBoard


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Make the file of a secret key without a password; its .pub is beside it."""
    file = tmp_path / "key"
    new_key(file, None)
    return file


@pytest.fixture
def lockable(connect: Connect) -> tuple[ScriptedBoard, Device]:
    """Connect a board that can be locked; it is open."""
    return connect(lockable=True)
