"""What a converter of others' files may not do: go out, start programs, write.

Python asks an audit hook before each of these, which no code of Python can take away again; what
a library in C does is not asked about. The files were looked through before: this is a second wall.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_NETWORK = ("socket.", "urllib.", "http.client.", "ftplib.", "smtplib.", "telnetlib.", "webbrowser")
_PROGRAMS = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def contain(folder: str) -> None:
    """Refuse connections, programs, and files that are written outside of a folder."""
    inside = os.path.realpath(folder) + os.sep

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith((*_NETWORK, *_PROGRAMS)):
            raise PermissionError(f"a converter must not do this: {event}")
        if event == "open" and _writes(arguments) and not _is_inside(arguments[0], inside):
            raise PermissionError(f"a converter must write in {folder} alone; not {arguments[0]!r}")

    sys.addaudithook(hook)


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, mode, flags = arguments
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITES)


def _is_inside(path: object, inside: str) -> bool:
    if isinstance(path, int):  # a file that is open
        return True
    if not isinstance(path, (str, bytes, os.PathLike)):
        return False
    whole = os.path.realpath(os.fsdecode(path))
    return whole.startswith(inside) or whole == os.devnull
