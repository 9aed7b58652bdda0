"""An environment for a converter: what it holds, where it is, whether it is whole."""

from __future__ import annotations

import os
import platform
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import platformdirs

from host_sdk.errors import InputError, ToolMissingError

_LISTS = Path(__file__).resolve().parent
_START = _LISTS.parent / "children" / "start.py"
_CACHE = "XIPNET_CACHE"  # as of the blobs that were sent: a folder; set to nothing, there is none
_MARKER = "whole"


@dataclass(frozen=True)
class Build:
    """What is installed, for this Python on this machine.

    Attributes:
        name: for people.
        packages: "name==version" -> SHA-256 of the files that are taken, hex.
        download_bytes: of those for this machine.
        disk_bytes: of what they become.
        asks: a package that pip must be able to find, else another build is taken; "" for none.
    """

    name: str
    packages: Mapping[str, tuple[str, ...]]
    download_bytes: int
    disk_bytes: int
    asks: str = ""

    def requirements(self) -> str:
        """Write the list as pip takes it."""
        return "".join(
            f"{package} {' '.join(f'--hash=sha256:{one}' for one in hashes)}\n"
            for package, hashes in self.packages.items()
        )


@dataclass(frozen=True)
class Environment:
    """An environment.

    Attributes:
        name: "onnx" or "torch".
        title: the tool and its version.
        imports: what must be importable once it is made.
        builds: that this Python can have here, the best first.
        known: for which Pythons and machines there are any.
    """

    name: str
    title: str
    imports: tuple[str, ...]
    builds: tuple[Build, ...]
    known: tuple[str, ...]

    @property
    def install(self) -> str:
        """The command that makes it."""
        return f"xipnet convert-env {self.name}"

    def folder(self) -> Path:
        """Find its place, in the user's cache.

        Raises:
            InputError: there is no cache.
        """
        named = os.environ.get(_CACHE)
        if named == "":
            raise InputError(f"{_CACHE} must name a folder for converters; is set to nothing")
        cache = Path(named) if named else platformdirs.user_cache_path("xipnet", appauthor=False)
        return cache / "converters" / self.name

    def python(self) -> Path:
        """Find its Python, which may not exist."""
        return self.folder() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def marker(self) -> Path:
        """Find the file that is written when all else is."""
        return self.folder() / _MARKER

    def mark(self, build: Build) -> str:
        """Say what the marker of an environment of a build holds."""
        return sha256(f"{sys.version_info[:2]}\n{build.requirements()}".encode()).hexdigest()

    def is_whole(self) -> bool:
        """Say whether it is there, whole, and made from today's list by this Python."""
        try:
            seen = self.marker().read_text(encoding="ascii")
        except (OSError, ValueError, InputError):
            return False
        return seen in [self.mark(build) for build in self.builds] and self.python().exists()

    def command(self, program: str) -> tuple[str, ...]:
        """Say how a program of `children` is started in it.

        Raises:
            ToolMissingError: it is not there.
        """
        if not self.is_whole():
            raise ToolMissingError(self.title, self.install)
        return (str(self.python()), "-I", str(_START), program)


def environment_names() -> tuple[str, ...]:
    """List the environments."""
    return tuple(sorted(path.stem for path in _LISTS.glob("*.toml")))


def read_environment(name: str) -> Environment:
    """Read an environment's list.

    Raises:
        InputError: there is none of that name.
    """
    if name not in environment_names():
        raise InputError(f"environment must be one of {', '.join(environment_names())}; is {name}")
    read = tomllib.loads((_LISTS / f"{name}.toml").read_text(encoding="utf-8"))
    known = [key for found in read["found"] for key in found["sizes"]]
    return Environment(
        name,
        read["title"],
        tuple(read["imports"]),
        tuple(_builds(read)),
        tuple(dict.fromkeys(known)),
    )


def this_machine() -> str:
    """Name this Python and machine as the lists do: 3.11-linux-x86_64."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}-{sys.platform}-{platform.machine()}"


def _builds(read: Mapping[str, Any]) -> Iterator[Build]:
    """Yield the builds for this machine."""
    asks = {build["name"]: build.get("asks", "") for build in read["builds"]}
    for found in read["found"]:
        sizes = found["sizes"].get(this_machine())
        if sizes is not None:
            packages = {p: tuple(hashes) for p, hashes in found["packages"].items()}
            download, disk = sizes
            yield Build(found["build"], packages, download, disk, asks[found["build"]])
