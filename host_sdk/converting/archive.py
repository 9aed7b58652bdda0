"""Zip archives of others: few members, small reads, no bombs."""

from __future__ import annotations

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host_sdk.errors import ModelFileError

_MOST_READ_BYTES = 1 << 20  # at once, so of a directory of members, too
_PIECE_BYTES = 1 << 16
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises on damaged ones, beside its own error.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, NotImplementedError),
    *(OSError, OverflowError, RuntimeError, ValueError),
)


class _SmallReads(io.FileIO):
    """A file that gives no more at once than a directory of members may have."""

    def read(self, size: int | None = -1) -> bytes:
        """Read; refuse more than an honest archive asks for."""
        left = os.fstat(self.fileno()).st_size - self.tell()
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > _MOST_READ_BYTES:
            raise zipfile.BadZipFile(f"its directory must have at most {_MOST_READ_BYTES:,} bytes")
        return super().read(max(wanted, 0)) or b""


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive to read members of it.

    Raises:
        ModelFileError: it is damaged, or larger than an honest one.
    """
    try:
        with _SmallReads(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except _BROKEN as error:
        raise ModelFileError(f"{path} must be a whole zip archive; {error}") from error


def member_names(path: Path) -> list[str]:
    """List an archive's members.

    Raises:
        ModelFileError: see `open_archive`.
    """
    with open_archive(path) as archive:
        return archive.namelist()


def copy_member(archive: zipfile.ZipFile, name: str, to: io.BufferedIOBase, most: int) -> None:
    """Copy a member's contents, piece by piece.

    Args:
        archive: from `open_archive`, which turns what is raised here into `ModelFileError`.
        name: of the member.
        to: what they are written to.
        most: bytes that it may have.
    """
    info = archive.getinfo(name)
    if info.compress_type not in _PLAIN:
        raise zipfile.BadZipFile(f"{name} must be stored or deflated")
    left = most
    with archive.open(info) as member:
        while piece := member.read(min(_PIECE_BYTES, left + 1)):
            left -= len(piece)
            if left < 0:
                raise zipfile.BadZipFile(f"{name} must have at most {most:,} bytes")
            to.write(piece)


def read_member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Read a member; see `copy_member`."""
    to = io.BytesIO()
    copy_member(archive, name, to, most)
    return to.getvalue()
