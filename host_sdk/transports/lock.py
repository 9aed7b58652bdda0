"""Locks between processes: one user per port, one simulator per flash file."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
from pathlib import Path

import filelock

from host_sdk.display.plain import plain_file_name
from host_sdk.errors import FlashFileBusyError, LinkError, PortBusyError, SimulatorError


class FileLock:
    """A file that is held until `release` or the process's end; its contents stay.

    Args:
        path: made if absent.
        remove: remove the file at the release.

    Raises:
        BlockingIOError: another holds it.
        OSError: it cannot be opened, or is a symbolic link, which is not followed.
    """

    def __init__(self, path: Path, remove: bool = False) -> None:
        self._path = path
        self._remove = remove
        self._lock = filelock.FileLock(
            path, timeout=0, thread_local=False, fallback_to_soft=False, preserve_lock_file=True
        )
        try:
            self._lock.acquire()
        except filelock.Timeout as error:
            raise BlockingIOError(f"{path} is locked") from error

    def release(self) -> None:
        """Let others have it; calling it again does nothing."""
        if self._lock.is_locked and self._remove:
            with contextlib.suppress(OSError):  # Windows keeps open files
                self._path.unlink()
        self._lock.release()


def lock_port(port: str) -> FileLock:
    """Hold a port's name among all programs of this user.

    Raises:
        PortBusyError: another holds it.
        LinkError: something else is in the lock file's place.
    """
    digest = hashlib.sha256(port.encode(errors="surrogateescape")).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else plain_file_name(os.environ.get("USERNAME", ""))
    folder = Path(tempfile.gettempdir()) / f"xipnet-{user}"
    path = folder / f"{digest}.lock"
    try:
        _make_private(folder)
        return FileLock(path, remove=True)
    except BlockingIOError as error:
        raise PortBusyError(f"{port} is in use by another Device") from error
    except OSError as error:
        raise LinkError(f"{port} cannot be locked: {path}: {error.strerror or error}") from error


def _make_private(folder: Path) -> None:
    """Make a folder in which nobody else can put anything: its parent is everybody's.

    Raises:
        OSError: it cannot be made, or what is there is a link, no folder, or open to others.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} must be a folder")
    if hasattr(os, "getuid") and (seen.st_uid != os.getuid() or seen.st_mode & 0o022):
        raise PermissionError(errno.EPERM, f"{folder} must be yours, and no other's to write to")


def lock_flash(path: Path) -> FileLock:
    """Hold a virtual board's flash file, made if it is missing.

    Raises:
        FlashFileBusyError: another simulator holds it.
        SimulatorError: it cannot be opened.
    """
    try:
        return FileLock(path.resolve())
    except BlockingIOError as error:
        raise FlashFileBusyError(f"flash file {path} is in use by another simulator") from error
    except OSError as error:
        raise SimulatorError(f"flash file {path} cannot be opened: {error.strerror}") from error
