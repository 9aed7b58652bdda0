"""Locks between processes: one user per port, one simulator per flash file."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class FileLock:
    """Holds a file for this process until `release` or the process's end.

    Args:
        path: made when absent; never removed, because another may wait for it.

    Raises:
        BlockingIOError: another holds it.
    """

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] = path.open("ab")
        try:
            _lock(self._file)
        except OSError as error:
            self._file.close()
            raise BlockingIOError(f"{path} is locked") from error

    def release(self) -> None:
        """Lets others have it; calling it again does nothing."""
        self._file.close()


def port_lock_path(port: str) -> Path:
    """The lock file of a port's name, the same for all programs of this user."""
    digest = hashlib.sha256(port.encode()).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return Path(tempfile.gettempdir()) / f"xipnet-{user}-{digest}.lock"


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
