"""A newer QEMU than this machine's, from Debian's backports, beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from device_fw.build.debian import PrivateApt

__all__ = ["SUITE", "newer_qemu"]

SUITE = "bookworm-backports"


def newer_qemu(folder: Path) -> Path:
    """Unpack it; return the program that plays Arm machines.

    Its libraries are those of the QEMU that is installed.

    Args:
        folder: an empty one.

    Raises:
        SourceError: there is no apt, or no mirror of Debian.
    """
    (folder / "apt").mkdir()
    apt = PrivateApt(folder / "apt", SUITE)
    for package in ("qemu-system-arm", "qemu-system-common"):
        deb = apt.package(package)
        subprocess.run(["dpkg", "-x", deb, folder / "root"], check=True)
    return folder / "root" / "usr" / "bin" / "qemu-system-arm"
