"""Check docs/MAP.md: every source file has a room, and every path exists.

A table of the map says in its head which package its paths are in. A room is a folder of a package;
folders inside of a room need no name. A file that lies in the package itself is named by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tools.tree import PACKAGES, files

MAP = "docs/MAP.md"
_SOURCES = {".py", ".c", ".h", ".S"}
# What every package has and no map needs to name.
_PLAIN = {"__init__.py", "errors.py"}
_PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)*/?)`")


def complaints(root: Path) -> Iterator[str]:
    """Yield a line for each file without a room and each path that leads nowhere.

    Args:
        root: the project's folder.
    """
    names = files(root)
    rooms: set[str] = set()
    for line, package, path in _named(root):
        found = [base for base in (f"{package}/{path}", path) if _exists(base, names)]
        rooms.update(found)
        if not found and not any(f"/{path}" in f"/{name}" for name in names):
            yield f"{MAP}:{line}: `{path}` does not exist"
    for name in names:
        if _is_source(name) and not _has_room(name, rooms):
            yield f"{name}: {MAP} names no room for it"


def _named(root: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line, package and path of what stands in backticks and looks like a path."""
    package = ""
    for number, line in enumerate((root / MAP).read_text(encoding="utf-8").splitlines(), 1):
        paths = [path for path in _PATH.findall(line) if "/" in path or "." in path]
        for path in paths:
            if path.rstrip("/") in PACKAGES:
                package = path.rstrip("/")
            else:
                yield number, package, path


def _exists(path: str, names: list[str]) -> bool:
    return any(name.startswith(path) if path.endswith("/") else name == path for name in names)


def _is_source(name: str) -> bool:
    path = Path(name)
    in_package = path.parts[0] in PACKAGES and path.suffix in _SOURCES
    return in_package and not (len(path.parts) == 2 and path.name in _PLAIN)


def _has_room(name: str, rooms: set[str]) -> bool:
    parents = name.split("/")[1:-1]
    package = name.split("/")[0]
    folders = {"/".join([package, *parents[: n + 1]]) + "/" for n in range(len(parents))}
    return name in rooms or bool(folders & rooms)
