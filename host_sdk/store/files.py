"""Files in the board's store: scripts, bytecode, data."""

from __future__ import annotations

import os
from pathlib import Path

from host_sdk.errors import InputError, ProtocolError
from host_sdk.link.session import Client
from host_sdk.store.upload import BLOB, DATA, SCRIPT
from relocatable.blob.blob import is_blob

_REPLY_OVERHEAD_BYTES = 40  # of get around its piece, at most
_SCRIPTS = (".py", ".mpy")


def read_file(name: str, source: bytes | str | os.PathLike[str]) -> tuple[bytes, int]:
    """What is to be stored under a name, and its kind: BLOB, SCRIPT or DATA.

    Raises:
        InputError: the file cannot be read or is empty.
    """
    data = bytes(source) if isinstance(source, (bytes, bytearray)) else _read(Path(source))
    if not data:
        raise InputError(f"'{name}' must have at least 1 byte to be stored; has 0")
    return data, _kind(name, data)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"file {path} cannot be read: {error.strerror or error}") from error


def _kind(name: str, data: bytes) -> int:
    if is_blob(data):
        return BLOB
    return SCRIPT if name.endswith(_SCRIPTS) else DATA


def get_file(client: Client, name: str) -> bytes:
    """The bytes of a stored object."""
    most_bytes = client.info.frame_bytes - _REPLY_OVERHEAD_BYTES
    data = bytearray()
    while True:
        piece_bytes = client.link.pace.piece_bytes(most_bytes)
        piece = client.call("get", name, len(data), piece_bytes)
        if not isinstance(piece, bytes):
            raise ProtocolError(f"get must give a bin; gave {type(piece).__name__}")
        data += piece
        if len(piece) < piece_bytes:
            return bytes(data)
