"""Objects of the store: models, scripts, data, and how they are read."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from host_sdk.errors import InputError, ObjectDamagedError, ProtocolError
from host_sdk.link.board_info import StoredObject
from host_sdk.link.paging import read_maps
from host_sdk.link.session import Session
from relocatable.blob.blob import is_blob

BLOB, SCRIPT, DATA, WEIGHTS, BUNDLE = 1, 2, 3, 4, 6
BUNDLE_MAGIC = b"XPBD"
SCRIPT_ENDINGS = (".py", ".mpy")
WEIGHTS_ENDINGS = (".weights", ".weights.bin")
MAIN_SCRIPTS = ("main.py", "main.mpy")  # run at the start, the first that there is

_REPLY_OVERHEAD_BYTES = 40  # of get around its piece, at most
_HASHING_S = 60.0  # a board's time for the SHA-256 of an object, at most


@dataclass(frozen=True)
class NewObject:
    """An object that is to be stored.

    Attributes:
        name: replaces the object of that name.
        data: its contents.
        kind: BLOB, SCRIPT, DATA, WEIGHTS or BUNDLE.
        seal: 192 bytes of docs/SPEC-manifest.md; None: it is not sealed, or the board is of the
            open build.
    """

    name: str
    data: bytes
    kind: int
    seal: bytes | None = None


def read_file(name: str, source: bytes | str | os.PathLike[str]) -> NewObject:
    """Read what is to be stored under a name.

    Args:
        name: in the store; says what is a script.
        source: the contents, or the path of a file.

    Raises:
        InputError: the file cannot be read or is empty.
    """
    data = bytes(source) if isinstance(source, (bytes, bytearray)) else _read(Path(source))
    if not data:
        raise InputError(f"'{name}' must have at least 1 byte to be stored; has 0")
    return NewObject(name, data, object_kind(name, data))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"file {path} cannot be read: {error.strerror or error}") from error


def object_kind(name: str, data: bytes) -> int:
    """Return the type that bytes are stored as under a name."""
    if is_blob(data):
        return BLOB
    if is_bundle(data):
        return BUNDLE
    if name.endswith(WEIGHTS_ENDINGS):
        return WEIGHTS
    return SCRIPT if name.endswith(SCRIPT_ENDINGS) else DATA


def own_name(file: str) -> str:
    """Return the name in the store of what is put under a file's own name.

    Weights lose the .bin, as blobs do.
    """
    return file.removesuffix(".bin") if file.endswith(WEIGHTS_ENDINGS[1]) else file


def is_bundle(data: bytes) -> bool:
    """Tell whether bytes begin as a bundle does."""
    return data.startswith(BUNDLE_MAGIC)


def list_objects(session: Session) -> list[StoredObject]:
    """List everything in the store."""
    return [StoredObject.read(item) for item in read_maps(session, "ls")]


def check_objects(session: Session) -> None:
    """Have the board compare every object with its SHA-256: `ls` tells what it found."""
    for stored in list_objects(session):
        with suppress(ObjectDamagedError):
            _get(session, stored.name, 0, 0)


def get_file(session: Session, name: str) -> bytes:
    """Read the contents of a stored object."""
    most_bytes = session.info.frame_bytes - _REPLY_OVERHEAD_BYTES
    data = bytearray()
    while True:
        piece_bytes = session.link.estimator.piece_bytes(most_bytes)
        piece = _get(session, name, len(data), piece_bytes)
        data += piece
        if len(piece) > piece_bytes or len(data) > session.info.flash_bytes:
            raise ProtocolError(
                f"get: must give at most the {piece_bytes} bytes asked for, and all at most the "
                f"{session.info.flash_bytes} of the flash; gave {len(piece)} and {len(data)}"
            )
        if len(piece) < piece_bytes:
            return bytes(data)


def _get(session: Session, name: str, offset: int, size: int) -> bytes:
    """Read a piece; the board hashes the whole object first if it has not done so yet."""
    piece = session.call("get", name, offset, size, timeout_s=_HASHING_S)
    if not isinstance(piece, bytes):
        raise ProtocolError(f"get must give a bin; gave {type(piece).__name__}")
    return piece
