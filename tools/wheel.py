"""Build the wheel: the same bytes wherever it is built.

python -m tools.wheel [FOLDER]

A wheel keeps the dates and modes of its files, which every checkout chooses for itself: here all
files have one date (SOURCE_DATE_EPOCH, or the first that a ZIP knows) and one mode.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from tools.tree import ROOT, copy_tree

_FIRST = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_UNIX = 3


def build(folder: Path) -> Path:
    """Build the wheel of the files that git knows; return its path.

    Args:
        folder: gets the wheel; need not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="xipnet-") as scratch:
        project, made = Path(scratch, "project"), Path(scratch, "made")
        copy_tree(ROOT, project)
        pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check")
        subprocess.run([*pip, "--no-deps", "-w", str(made), str(project)], check=True)
        wheel = next(made.glob("*.whl"))
        settle(wheel, folder / wheel.name, date())
        return folder / wheel.name


def date() -> tuple[int, int, int, int, int, int]:
    """Return the date of all files: SOURCE_DATE_EPOCH's, else a ZIP's first."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return max(_FIRST, time.gmtime(int(epoch))[:6]) if epoch else _FIRST


def settle(wheel: Path, to: Path, date: tuple[int, int, int, int, int, int]) -> None:
    """Write a wheel again, its files sorted, with one date and one mode.

    Args:
        wheel: the archive.
        to: the new one.
        date: year to second.
    """
    with ZipFile(wheel) as old, ZipFile(to, "w", ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            about = ZipInfo(name, date)
            about.create_system, about.external_attr = _UNIX, _MODE
            new.writestr(about, old.read(name), ZIP_DEFLATED)


def main(folder: str = str(ROOT / "dist")) -> None:
    """Build the wheel and print its path."""
    print(build(Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
