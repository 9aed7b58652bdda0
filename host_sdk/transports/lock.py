"""Locks between processes: one user per port, one simulator per flash file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import IO

from host_sdk.errors import PortBusyError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class FileLock:
    """Holds a file for this process until `release` or the process's end.

    Args:
        path: made when absent.
        remove: remove the file at the release.

    Raises:
        BlockingIOError: another holds it.
    """

    def __init__(self, path: Path, remove: bool = False) -> None:
        self._path = path
        self._remove = remove
        self._file = _open_locked(path)
        while not _is_at(self._file, path):  # its last holder removed it just now
            self._file.close()
            self._file = _open_locked(path)

    def release(self) -> None:
        """Lets others have it; calling it again does nothing."""
        if not self._file.closed and self._remove:
            with contextlib.suppress(OSError):  # Windows keeps open files
                self._path.unlink()
        self._file.close()


def lock_port(port: str) -> FileLock:
    """Holds a port's name among all programs of this user.

    Raises:
        PortBusyError: another holds it.
    """
    digest = hashlib.sha256(port.encode()).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    path = Path(tempfile.gettempdir()) / f"xipnet-{user}-{digest}.lock"
    try:
        return FileLock(path, remove=True)
    except BlockingIOError as error:
        raise PortBusyError(f"{port} is in use by another Device") from error


def _open_locked(path: Path) -> IO[bytes]:
    file = path.open("ab")
    try:
        _lock(file)
    except OSError as error:
        file.close()
        raise BlockingIOError(f"{path} is locked") from error
    return file


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
