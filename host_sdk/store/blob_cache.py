"""The cache of what this computer uploaded, by SHA-256, to make patches of.

It only helps: an upload without it asks the board for hashes of what it holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

import platformdirs

FOLDER_VARIABLE = "XIPNET_CACHE"

_KEPT_BYTES = 256 << 20


def cache_folder() -> Path | None:
    """Find the cache's folder; None if XIPNET_CACHE is set to nothing."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named == "":
        return None
    return Path(named or platformdirs.user_cache_dir("xipnet", appauthor=False)) / "objects"


def recall(sha256: bytes) -> bytes | None:
    """Read the bytes of that hash, if they are there and whole."""
    folder = cache_folder()
    if folder is None:
        return None
    path = folder / sha256.hex()
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data).digest() != sha256:
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # the least recently used go first
    return data


def remember(data: bytes) -> None:
    """Keep bytes; if the disk refuses, nothing is kept."""
    folder = cache_folder()
    if folder is None:
        return
    path = folder / hashlib.sha256(data).hexdigest()
    with contextlib.suppress(OSError):
        if path.exists():
            os.utime(path)
            return
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, data)
        _prune(folder)


def _write(path: Path, data: bytes) -> None:
    """Write a file atomically: another process sees all of it or nothing."""
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _prune(folder: Path) -> None:
    kept = 0
    files = [(path, path.stat()) for path in folder.iterdir()]
    for path, stat in sorted(files, key=lambda item: item[1].st_mtime, reverse=True):
        kept += stat.st_size
        if kept > _KEPT_BYTES:
            path.unlink(missing_ok=True)
