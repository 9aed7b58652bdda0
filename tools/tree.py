"""List the project's files: those that git knows, or all of a copy without git."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("host_sdk", "relocatable", "device_fw")
# What others wrote, unchanged: no guard of form or words looks at it.
VENDORED = "device_fw/vendor/"
_BUILT = {"build", "dist", "out"}  # at the top; device_fw has a room of that name


def files(root: Path) -> list[str]:
    """List the files of a tree, sorted, as paths relative to it.

    Args:
        root: a working copy, or a plain copy of its files.
    """
    if (root / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        return sorted({name for name in listed.stdout.splitlines() if (root / name).is_file()})
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if not _is_foreign(path))


def own_files(root: Path) -> list[str]:
    """List the files of a tree as `files` does, without what others wrote."""
    return [name for name in files(root) if not name.startswith(VENDORED)]


def _is_foreign(path: Path) -> bool:
    folders = path.parts[:-1]
    is_cache = any(name == "__pycache__" or name.endswith("_cache") for name in folders)
    return is_cache or bool(_BUILT.intersection(folders[:1]))


def commit() -> str:
    """Name the commit, and say if files other than pages differ from it."""
    head = _git("describe", "--always", "--exclude=*")
    return f"{head}-dirty" if _git("status", "--porcelain", "--", ".", ":!docs") else head


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def copy_tree(root: Path, to: Path) -> None:
    """Copy the project's files, but for the corpus of the fuzzer.

    Args:
        root: a working copy.
        to: a folder, which need not exist.
    """
    for name in files(root):
        if not name.startswith("tests/fuzz/corpus/"):
            target = to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((root / name).read_bytes())
