"""Check that compiled code is free of duties and every third party is listed.

Kernels and heads are compiled into the products of users: REUSE.toml must put them under 0BSD. Of
MicroPython's source the firmware takes the parts that fetch_micropython.py names: THIRD-PARTY.md
must have a line for each, and one for each folder of `device_fw/vendor`, whose files must be as its
SOURCE.toml says.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tools.tree import VENDORED, files

DUTY_FREE = "0BSD"
THIRD_PARTY = "THIRD-PARTY.md"
_FETCH = "fetch_micropython.py"
_LISTS = {"_TREE_PARTS", "_TREE_FILES"}


def complaints(root: Path) -> Iterator[str]:
    """Yield a line for each wrong licence and each part that is not listed.

    Args:
        root: the project's folder.
    """
    names = files(root)
    for name in names:
        if name.startswith("relocatable/") and name.endswith((".c", ".h", ".ld")):
            licence = licence_of(root, name)
            if licence != DUTY_FREE:
                yield f"{name}: is compiled into products, must be {DUTY_FREE}; is {licence}"
    page = (root / THIRD_PARTY).read_text(encoding="utf-8")
    for name in (n for n in names if n.startswith("device_fw/") and n.endswith(f"/{_FETCH}")):
        for part in third_parties((root / name).read_text(encoding="utf-8")):
            if f"`{part}`" not in page:
                yield f"{name}: {THIRD_PARTY} must have a line for `{part}`"
    for folder in sorted({name.rpartition("/")[0] for name in names if name.startswith(VENDORED)}):
        if f"`{folder}`" not in page:
            yield f"{folder}: {THIRD_PARTY} must have a line for it"
        yield from _changes(root, folder, [n for n in names if n.startswith(f"{folder}/")])


def _changes(root: Path, folder: str, names: list[str]) -> Iterator[str]:
    """Yield a line for each file of a vendored folder that is not as it came."""
    source = tomllib.loads((root / folder / "SOURCE.toml").read_text(encoding="utf-8"))
    for name in (name for name in names if not name.endswith("/SOURCE.toml")):
        path = root / name
        if source["sha256"].get(path.name) != sha256(path.read_bytes()).hexdigest():
            yield f"{name}: must be as it came from {source['url']}, unchanged"
        if licence_of(root, name) != source["licence"]:
            yield f"{name}: must be {source['licence']}; is {licence_of(root, name)}"


def licence_of(root: Path, name: str) -> str:
    """Return the licence that REUSE.toml gives a file: the last annotation that fits.

    Args:
        root: the project's folder.
        name: a path in it.
    """
    rules = tomllib.loads((root / "REUSE.toml").read_text(encoding="utf-8"))
    found = "none"
    for annotation in rules["annotations"]:
        paths = annotation["path"]
        patterns = [paths] if isinstance(paths, str) else paths
        if any(_fits(name, pattern) for pattern in patterns):
            found = str(annotation["SPDX-License-Identifier"])
    return found


def _fits(name: str, pattern: str) -> bool:
    """Match as REUSE does: `**` is anything, `*` anything within a folder."""
    head, double, tail = pattern.partition("**")
    if not double:
        return Path(name).match(pattern) and name.count("/") == pattern.count("/")
    suffix = tail.rpartition("*")[2]
    return name.startswith(head) and name.endswith(suffix)


def third_parties(source: str) -> list[str]:
    """List the folders and files of MicroPython that the firmware is built from.

    Args:
        source: the text of fetch_micropython.py.
    """
    found: list[str] = []
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in _LISTS:
                found += ast.literal_eval(value)
    return found
