"""Write the lists of what converters' environments hold, with hashes.

python -m tools.lock_converters [onnx] [torch]

A list is `host_sdk/converting/environments/NAME.toml`: its table `wanted` is written by hand and
kept; what is below is found by pip, from the index that pip is set up with. pip's `--find-links`
or `--extra-index-url`, set for pip, add builds that the index lacks.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import tomllib
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "host_sdk" / "converting" / "environments"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# As `environments.lock.machine()` names them -> what pip calls the files that they take.
_LINUX = ("1", "2010", "2014", *(f"_2_{minor}" for minor in range(5, 29)))
MACHINES = {
    "linux-x86_64": [f"manylinux{version}_x86_64" for version in _LINUX],
    "linux-aarch64": [f"manylinux{version}_aarch64" for version in _LINUX],
    "darwin-arm64": ["macosx_14_0_arm64"],
}


@dataclass(frozen=True)
class Found:
    """A file that pip would install.

    Attributes:
        package: its name and version, as pip takes them.
        sha256: of it, hex.
        url: where it is.
    """

    package: str
    sha256: str
    url: str


def main() -> None:
    """Write the lists that the arguments name; without one, all."""
    for name in sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("*.toml")):
        path = FOLDER / f"{name}.toml"
        text = path.read_text(encoding="utf-8")
        kept = text.partition(_MARK)[0].rstrip("\n")
        path.write_text(kept + "\n\n" + "\n".join(_lines(tomllib.loads(kept))), encoding="utf-8")


_EMPTY_BYTES = 28_000_000  # of an environment with pip alone
_MARK = "# ---- Below: written by tools/lock_converters.py"


def _lines(wanted: Mapping[str, Any]) -> Iterator[str]:
    yield _MARK
    for build in wanted["builds"]:
        found = {(p, m): _find(build, p, m) for p in PYTHONS for m in MACHINES}
        yield ""
        yield "[[found]]"
        yield f'build = "{build["name"]}"'
        yield from _files(found)
    yield ""


def _files(found: Mapping[tuple[str, str], Sequence[Found]]) -> Iterator[str]:
    yield "# Python and machine = bytes to download, bytes on the disk"
    yield "[found.sizes]"
    for (python, machine), files in found.items():
        if files:
            sizes = [_sizes(file.url) for file in files]
            packed, unpacked = (sum(column) for column in zip(*sizes, strict=True))
            yield f'"{python}-{machine}" = [{packed}, {unpacked + _EMPTY_BYTES}]'
    yield "[found.packages]"
    hashes: dict[str, set[str]] = {}
    for files in found.values():
        for file in files:
            hashes.setdefault(file.package, set()).add(file.sha256)
    for package in sorted(hashes):
        yield f'"{package}" = ['
        yield from (f'    "{sha256}",' for sha256 in sorted(hashes[package]))
        yield "]"


def _find(build: Mapping[str, Any], python: str, machine: str) -> list[Found]:
    """Find the files of a build for a Python on a machine; none if one is missing."""
    if not machine.startswith(tuple(build["machines"])):
        return []
    platforms = [part for name in MACHINES[machine] for part in ("--platform", name)]
    abi = f"cp{python.replace('.', '')}"
    abis = [part for name in (abi, "abi3", "none") for part in ("--abi", name)]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [
            *(sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed"),
            *("--no-deps", "--ignore-requires-python", "--only-binary=:all:", "--target", folder),
            *("--python-version", python, "--implementation", "cp", *abis, *platforms),
            *("--report", str(report), *build["packages"]),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            why = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            print(f"{build['name']}, Python {python}, {machine}: {' '.join(why)}", file=sys.stderr)
            return []
        installs = json.loads(report.read_text(encoding="utf-8"))["install"]
    print(f"{build['name']}, Python {python}, {machine}: {len(installs)} files", file=sys.stderr)
    return [
        Found(
            f"{one['metadata']['name']}=={one['metadata']['version']}",
            one["download_info"]["archive_info"]["hashes"]["sha256"],
            one["download_info"]["url"],
        )
        for one in installs
    ]


@cache
def _sizes(url: str) -> tuple[int, int]:
    """Find the bytes of a wheel, packed and unpacked, by the directory at its end."""
    with _Remote(url) as file, zipfile.ZipFile(file) as wheel:
        members = wheel.infolist()
        compiled = sum(m.file_size * 3 // 2 for m in members if m.filename.endswith(".py"))
        return file.size, sum(m.file_size for m in members) + compiled  # by pip; measured


class _Remote(io.RawIOBase):
    """A file at a URL, of which only parts are read."""

    def __init__(self, url: str) -> None:
        self._url, self._at = url, 0
        head = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(head) as reply:
            self.size = int(reply.headers["Content-Length"])

    def seekable(self) -> bool:
        """Say that it can be read anywhere."""
        return True

    def tell(self) -> int:
        """Return the place."""
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        self._at = offset + (0, self._at, self.size)[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read a part of it."""
        end = self.size if size < 0 else min(self._at + size, self.size)
        if self._url.startswith("file:"):
            with urllib.request.urlopen(self._url) as whole:
                return self._take(whole.read()[self._at : end])
        asked = {"Range": f"bytes={self._at}-{end - 1}"}
        if self._at >= end:
            return b""
        with urllib.request.urlopen(urllib.request.Request(self._url, headers=asked)) as reply:
            return self._take(reply.read())

    def _take(self, data: bytes) -> bytes:
        self._at += len(data)
        return data


if __name__ == "__main__":
    main()
