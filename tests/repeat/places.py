"""Lay one source out in two places that differ as two machines do.

They differ in path, user, home, folder of temporary files, umask, time zone (25 hours apart: never
the same date), locale, dates of the files, the seed of Python's hashes, the number of processors,
the compiler's path, and in whether git knows the source.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ziglang

from tests.conftest import ROOT
from tools.tree import copy_tree

_OLD = 1_000_000_000  # a date of files, in seconds since 1970
NOBODY = 65534
# Another user may need to read the first one's home: Python can be installed there.
_READS = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *_READS)
_KEPT = ("PATH", "PIP_", "SSL_", "http_proxy", "https_proxy", "no_proxy")  # how variables begin


@dataclass(frozen=True)
class Place:
    """Where and as whom something is built.

    Attributes:
        folder: all of it, the source in `source`.
        source: the project's files.
        as_user: command that takes another user's identity.
        umask: of what is made.
        environment: all variables of it.
        cpus: how many processors it uses; 0: all.
    """

    folder: Path
    source: Path
    as_user: tuple[str, ...]
    umask: int
    environment: Mapping[str, str]
    cpus: int

    def start(self, products: Sequence[str]) -> subprocess.Popen[str]:
        """Begin to build products; see products.py."""
        command = [sys.executable, "-m", "tests.repeat.products", str(self.folder / "made")]
        cpus = sorted(os.sched_getaffinity(0))
        return subprocess.Popen(
            [*self.as_user, *command, *products],
            cwd=self.source,
            env=self.environment,
            umask=self.umask,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus[: self.cpus or None]),
        )


def two_places(scratch: Path, sources: Mapping[str, Path]) -> tuple[Place, Place]:
    """Lay the project out in two places.

    Args:
        scratch: an empty folder that every user may enter.
        sources: folders of others' sources by their place in `build/`.
    """
    first = _lay_out(scratch / "a", "project", sources)
    second = _lay_out(scratch / "another user", "a longer path/Größe", sources)
    _know_by_git(first)
    compiler = scratch / "another user" / "packages" / "ziglang"
    shutil.copytree(Path(ziglang.__file__).parent, compiler, copy_function=_link)
    for path in second.rglob("*"):
        os.utime(path, (_OLD, _OLD), follow_symlinks=False)
    as_user = _give(scratch / "another user")
    return (
        _place(scratch / "a", first, 0o022, {"LC_ALL": "C", "TZ": "Pacific/Kiritimati"}),
        _place(
            scratch / "another user",
            second,
            0o077,
            {"LC_ALL": "C.UTF-8", "TZ": "Pacific/Pago_Pago", "JOBS": "1"},
            (f"{compiler.parent}", as_user),
        ),
    )


def _lay_out(folder: Path, name: str, sources: Mapping[str, Path]) -> Path:
    source = folder / name
    copy_tree(ROOT, source)
    for place, path in sources.items():
        shutil.copytree(path, source / "build" / place, symlinks=True)
    for place in ("home", "tmp"):
        (folder / place).mkdir()
    return source


def _know_by_git(source: Path) -> None:
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@localhost", "-c", "gc.auto=0")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "All.")):
        subprocess.run([*git, *words], cwd=source, check=True)


def _link(source: str, to: str) -> None:
    """Give a file another name; copy it if it is on another disk."""
    try:
        os.link(source, to)
    except OSError:
        shutil.copy2(source, to)


def _give(folder: Path) -> tuple[str, ...]:
    """Make a folder another user's, if this one may; return how to become that user."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        return ()
    for path in (folder, *folder.rglob("*")):
        if "packages" not in path.relative_to(folder).parts:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return AS_NOBODY


def _place(
    folder: Path,
    source: Path,
    umask: int,
    variables: Mapping[str, str],
    other: tuple[str, tuple[str, ...]] = ("", ()),
) -> Place:
    packages, as_user = other
    kept = {key: value for key, value in os.environ.items() if key.startswith(_KEPT)}
    own = {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONHASHSEED": str(len(packages)),
        "PYTHONPATH": packages,
    }
    return Place(folder, source, as_user, umask, {**kept, **own, **variables}, bool(packages))


def sums(place: Place, process: subprocess.Popen[str]) -> dict[str, str]:
    """Wait until a place's products are built; return their SHA-256 by name."""
    out, errors = process.communicate()
    assert process.returncode == 0, f"{place.folder}: {errors[-4000:]}"
    made: dict[str, str] = json.loads(out.splitlines()[-1])
    return made
