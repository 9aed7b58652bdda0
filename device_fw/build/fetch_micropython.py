"""Bring MicroPython's source: one pinned release, checked by hash.

It is kept outside the repository. In this order: the directory named by `MICROPYTHON_DIR`; an
earlier download; the source package of Debian, through the machine's own mirror; a clone of the
upstream repository.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from device_fw.build.debian import PrivateApt, run_tool
from device_fw.build.folders import build_dir, publish
from device_fw.errors import SourceError

__all__ = [
    "MICROPYTHON_DATE",
    "MICROPYTHON_TREE_SHA256",
    "MICROPYTHON_VERSION",
    "micropython_source",
]

MICROPYTHON_VERSION = "1.25.0"
MICROPYTHON_DATE = "2025-04-15"

# The one archive, as Debian packed it ...
_ARCHIVE_SHA256 = "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea"
# ... and, for every way, the files that the firmware is built from: SHA-256 over
# "<path> <sha256>\n" of each, sorted.
MICROPYTHON_TREE_SHA256 = "6fa6f8d26c0cae648cc5f5030ddc1cc169e540dba8a3ea4ccfd1cc30f900282d"
_TREE_PARTS = (
    "py",
    "extmod",
    "shared",
    "lib/libm",
    "lib/libm_dbl",
    "lib/littlefs",
    "lib/oofatfs",
    "lib/re1.5",
    "lib/uzlib",
)
_TREE_FILES = ("lib/crypto-algorithms/sha256.c", "lib/crypto-algorithms/sha256.h")
_SUFFIXES = {".c", ".h", ".py", ".mk"}

_UPSTREAM = "https://github.com/micropython/micropython"

Say = Callable[[str], None]


def micropython_source(say: Say | None = None) -> Path:
    """Return the folder of MicroPython's source, downloaded if it is missing.

    Args:
        say: told what happens while something is downloaded; default: the standard error stream.

    Raises:
        SourceError: it could not be downloaded, or is not the pinned release.
    """
    named = os.environ.get("MICROPYTHON_DIR")
    if named:
        return _check_named(Path(named))
    home = build_dir() / "micropython" / MICROPYTHON_VERSION
    if not home.is_dir():
        _download(home, say or _say_on_stderr)
    return home


def _say_on_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _check_named(folder: Path) -> Path:
    """Accept a source that the user names, and may have changed, if its version fits."""
    header = folder / "py" / "mpconfig.h"
    if not header.is_file():
        raise SourceError(f"MICROPYTHON_DIR={folder} is not MicroPython's source: no {header}")
    text = header.read_text(encoding="utf-8")
    found = ".".join(
        match.group(1) if (match := re.search(rf"MICROPY_VERSION_{part} (\d+)", text)) else "?"
        for part in ("MAJOR", "MINOR", "MICRO")
    )
    if found != MICROPYTHON_VERSION:
        raise SourceError(
            f"MICROPYTHON_DIR={folder} holds MicroPython {found}; "
            f"the firmware is written for {MICROPYTHON_VERSION}"
        )
    return folder.resolve()


def _download(home: Path, say: Say) -> None:
    """Try each way, in a scratch folder that is renamed once all is checked."""
    import tempfile

    home.parent.mkdir(parents=True, exist_ok=True)
    refused = []
    for way in (_from_debian, _from_upstream):
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=".fetch-") as scratch:
            try:
                tree = way(Path(scratch), say)
                _check_tree(tree)
            except SourceError as error:
                refused.append(f"- {error}")
                continue
            publish(tree, home)
            return
    reasons = "\n".join(refused)
    raise SourceError(
        f"MicroPython {MICROPYTHON_VERSION} could not be downloaded:\n{reasons}\n"
        f"Get it by hand (git clone --branch v{MICROPYTHON_VERSION} {_UPSTREAM}) "
        "and set MICROPYTHON_DIR to its folder."
    )


# ---- Debian's source package ---------------------------------------------------------------------


def _from_debian(scratch: Path, say: Say) -> Path:
    """Ask the machine's mirror."""
    say(f"Getting MicroPython {MICROPYTHON_VERSION} as Debian's source package ...")
    return _unpack(PrivateApt(scratch).source("micropython"), scratch / "tree")


def _unpack(archive: Path, to: Path) -> Path:
    import tarfile

    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != _ARCHIVE_SHA256:
        raise SourceError(f"{archive.name}: SHA-256 must be {_ARCHIVE_SHA256}; is {found}")
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(to, filter="data")
        else:
            tar.extractall(to)
    return next(to.iterdir())


# ---- Upstream ------------------------------------------------------------------------------------


def _from_upstream(scratch: Path, say: Say) -> Path:
    from shutil import which

    if which("git") is None:
        raise SourceError("upstream: git is not installed")
    say(f"Getting MicroPython {MICROPYTHON_VERSION} from {_UPSTREAM} ...")
    tree = scratch / "tree"
    plain = ["-c", "core.autocrlf=false", "-c", "advice.detachedHead=false"]
    where = ["--depth", "1", "--branch", f"v{MICROPYTHON_VERSION}", _UPSTREAM, str(tree)]
    run_tool(["git", *plain, "clone", "--quiet", *where], scratch)
    return tree


# ---- Checks --------------------------------------------------------------------------------------


def _check_tree(tree: Path) -> None:
    found = tree_digest(tree)
    if found != MICROPYTHON_TREE_SHA256:
        raise SourceError(f"the downloaded source is not the pinned one: digest {found}")


def tree_digest(tree: Path) -> str:
    """Return a SHA-256 over all files that the firmware is built from."""
    lines = [
        f"{path.relative_to(tree).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n"
        for path in pinned_files(tree)
    ]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def pinned_files(tree: Path) -> list[Path]:
    """Return the files of MicroPython that the firmware may be built from."""
    files = [tree / name for name in _TREE_FILES]
    for part in _TREE_PARTS:
        files += [path for path in (tree / part).rglob("*") if path.suffix in _SUFFIXES]
    return files


if __name__ == "__main__":
    try:
        print(micropython_source())
    except SourceError as problem:
        sys.exit(f"error: {problem}")
