"""Sources that Debian packs, from this machine's mirror, whatever its release.

apt checks what it downloads against the signatures of the archive.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from device_fw.errors import SourceError

__all__ = ["PINNED_SUITE", "PrivateApt", "run_tool"]

PINNED_SUITE = "trixie"  # the release whose packages are the pinned ones
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TIMEOUT_S = 600


class PrivateApt:
    """apt with lists of its own: the system's stay as they are."""

    def __init__(self, scratch: Path, suite: str = PINNED_SUITE) -> None:
        """Bring the lists of packages.

        Args:
            scratch: an empty folder, for lists and downloads.
            suite: a release of Debian.

        Raises:
            SourceError: there is no apt, or no mirror of Debian.
        """
        if which("apt-get") is None:
            raise SourceError("Debian's packages: this system has no apt-get")
        self.scratch = scratch
        self.suite = suite
        for folder in ("lists/partial", "cache/archives/partial"):
            (scratch / folder).mkdir(parents=True)
        signed = f" [signed-by={_KEYRING}]" if _KEYRING.is_file() else ""
        mirror = _mirror()
        sources = scratch / "sources.list"
        sources.write_text(
            "".join(f"{kind}{signed} {mirror} {suite} main\n" for kind in ("deb", "deb-src"))
        )
        self._options = [
            *("-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=/dev/null"),
            *("-o", f"Dir::State::Lists={scratch / 'lists'}"),
            *("-o", f"Dir::Cache={scratch / 'cache'}"),
            *("-o", "APT::Sandbox::User=root"),  # the folder is ours, apt's user may not read it
        ]
        self._apt("update")

    def source(self, package: str) -> Path:
        """Download a package's original source; return its archive.

        Raises:
            SourceError: it is not there.
        """
        self._apt("source", "--download-only", package)
        return self._found(f"{package}_*.orig.tar.*")

    def package(self, package: str) -> Path:
        """Download a package; return its .deb.

        Raises:
            SourceError: it is not there.
        """
        self._apt("download", package)
        return self._found(f"{package}_*.deb")

    def _apt(self, *words: str) -> None:
        run_tool(["apt-get", *self._options, "-qq", *words], self.scratch)

    def _found(self, pattern: str) -> Path:
        found = list(self.scratch.glob(pattern))
        if len(found) != 1:
            raise SourceError(f"Debian's packages: {self.suite} brought no {pattern}")
        return found[0]


def run_tool(command: Sequence[str], folder: Path | None) -> str:
    """Run a program that brings something; return what it printed.

    Raises:
        SourceError: it failed, or took longer than ten minutes.
    """
    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        words = done.stderr.strip() or f"exit status {done.returncode}"
        raise SourceError(f"{command[0]}: {words}")
    return done.stdout


def _mirror() -> str:
    """Return the address of the mirror that this machine uses for Debian itself."""
    form = "$(REPO_URI)|$(COMPONENT)"
    listing = run_tool(["apt-get", "indextargets", "--format", form, "Created-By: Packages"], None)
    for line in listing.splitlines():
        uri, component = line.split("|", 1)
        if component == "main" and uri.rstrip("/").endswith("/debian"):
            return uri.rstrip("/")
    raise SourceError("Debian's packages: apt has no Debian mirror configured")
