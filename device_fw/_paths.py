"""Where what is built or downloaded lies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_TREE = Path(__file__).resolve().parent.parent


def build_dir() -> Path:
    """`build/` of a source tree; for an installed package the user's cache directory."""
    if (_TREE / "pyproject.toml").is_file():
        return _TREE / "build"
    return _cache_home() / "xipnet"


def _cache_home() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
