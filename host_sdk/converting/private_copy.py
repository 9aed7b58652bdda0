"""Copies of files, in a folder of ours: what is checked is what is converted."""

from __future__ import annotations

from pathlib import Path

from host_sdk.errors import ModelFileError

MOST_BYTES = 1 << 30  # of a model's file; no microcontroller holds a tenth of it
_PIECE_BYTES = 1 << 20


def copy_file(source: Path, to: Path, most: int = MOST_BYTES, follow: bool = True) -> None:
    """Copy a plain file.

    Args:
        source: what is copied.
        to: where; it is made.
        most: bytes that it may have.
        follow: take what a symbolic link leads to.

    Raises:
        ModelFileError: it is no plain file, or too large, or cannot be read.
    """
    if not source.is_file() or (source.is_symlink() and not follow):
        raise ModelFileError(f"{source} must be a plain file")
    left = most
    try:
        with source.open("rb") as file, to.open("xb") as copy:
            while piece := file.read(min(_PIECE_BYTES, left + 1)):
                left -= len(piece)
                if left < 0:
                    raise ModelFileError(f"{source} must have at most {most:,} bytes")
                copy.write(piece)
    except OSError as error:
        raise ModelFileError(f"{source} cannot be read: {error.strerror}") from error
