"""The folders of what is built or downloaded."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_TREE = Path(__file__).resolve().parents[2]


def build_dir() -> Path:
    """Return `build/` of a source tree, or an installed package's cache folder."""
    if (_TREE / "pyproject.toml").is_file():
        return _TREE / "build"
    return platformdirs.user_cache_path("xipnet", appauthor=False, opinion=False)


def publish(made: Path, home: Path) -> None:
    """Give a folder that is whole its place, unless another process was quicker."""
    try:
        made.rename(home)
    except OSError:
        if not home.is_dir():
            raise
