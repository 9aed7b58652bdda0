"""The releases of MicroPython that the user module is tested with.

The pinned one, which the firmware is built from, and the newest that Debian has packed (its suite
`sid`): apt brings it from this machine's mirror and checks its signature. It is kept in the build
folder until that is removed.
"""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path

from filelock import FileLock

from device_fw.build.debian import PrivateApt
from device_fw.build.fetch_micropython import micropython_source
from device_fw.build.folders import build_dir

RELEASES = ("pinned", "newest")


def release_source(release: str) -> Path:
    """Return the folder of a release's source, brought if it is missing.

    Args:
        release: one of `RELEASES`.

    Raises:
        SourceError: it could not be downloaded.
    """
    return micropython_source() if release == "pinned" else _newest()


def _newest() -> Path:
    home = build_dir() / "micropython" / "sid"
    home.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(home.parent / "sid.lock"):
        if not home.is_dir():
            with tempfile.TemporaryDirectory(dir=home.parent, prefix=".fetch-") as name:
                scratch = Path(name)
                archive = PrivateApt(scratch, "sid").source("micropython")
                with tarfile.open(archive) as tar:
                    tar.extractall(scratch / "tree", filter="data")
                next((scratch / "tree").iterdir()).rename(home)
    return home
