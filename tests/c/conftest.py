"""The core, built once for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.c.core_build import build_lockable, build_programs
from tests.c.core_peer import Peer

# A pipe that a killed board leaves behind is no leak of the core.
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("core")
    build_programs(out)
    return out


@pytest.fixture(scope="session")
def lockable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lockable")
    build_lockable(out)
    return out


@pytest.fixture
def peer(built: Path, tmp_path: Path) -> Iterator[Peer]:
    with Peer(built / "board_host", tmp_path / "flash") as board:
        board.hello()
        yield board
