"""Puts an object into the board's store: pieces under way at once, resumed where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from host_sdk.client import Client
from host_sdk.errors import ProtocolError
from host_sdk.fields import Fields
from host_sdk.link import Pending

# progress(done_bytes, total_bytes)
Progress = Callable[[int, int], None]

BLOB, SCRIPT, DATA = 1, 2, 3
_PIECE_UNIT_BYTES = 256
_REQUEST_OVERHEAD_BYTES = 40  # of put_data around its piece, at most
_BEGIN_TIMEOUT_S = 60.0  # the board erases
_END_TIMEOUT_S = 300.0  # the board hashes, checks and runs the golden vector


@dataclass(frozen=True)
class Uploaded:
    """What the board says of an object that it has taken.

    Attributes:
        name: in the store.
        version: counts the uploads of that name.
        active: True where it is the active model.
        golden: True where its golden vector was run, and passed.
        golden_us: how long that took, microseconds.
        sent_bytes: what went over the wire; 0 where the board held the object already.
    """

    name: str
    version: int
    active: bool
    golden: bool
    golden_us: int
    sent_bytes: int


def upload(
    client: Client,
    name: str,
    data: bytes,
    kind: int = BLOB,
    activate: bool = False,
    progress: Progress | None = None,
) -> Uploaded:
    """Uploads an object; nothing is sent where the store holds the same bytes.

    Args:
        client: the session.
        name: replaces the object of that name, once the new one is whole and checked.
        data: the contents.
        kind: BLOB, SCRIPT or DATA.
        activate: make a blob the active model.
        progress: called with (done, total) bytes.

    Raises:
        StoreError: the store refused.
        BlobError: the loader refused the blob, or its golden vector failed.
        LinkError: the way to the board failed; calling again goes on where it stopped.
    """
    digest = hashlib.sha256(data).digest()
    begun = client.call("put_begin", name, kind, len(data), digest, timeout_s=_BEGIN_TIMEOUT_S)
    fields = Fields(begun, "put_begin")
    session, offset = fields.integer("session"), fields.integer("offset")
    sent_bytes = 0
    if not fields.flag("have"):
        _check_offset(offset, len(data))
        sent_bytes = len(data) - offset
        _send(client, session, data, offset, progress or _no_progress)
    elif progress:
        progress(len(data), len(data))
    end = Fields(client.call("put_end", session, activate, timeout_s=_END_TIMEOUT_S), "put_end")
    return Uploaded(
        name=end.text("name"),
        version=end.integer("version"),
        active=end.flag("active"),
        golden=end.flag("golden"),
        golden_us=end.integer("golden_us"),
        sent_bytes=sent_bytes,
    )


def _send(client: Client, session: int, data: bytes, offset: int, progress: Progress) -> None:
    piece_bytes = largest_piece(client.info.frame_bytes)
    under_way: list[tuple[Pending, int]] = []
    done = offset
    progress(done, len(data))
    for at in range(offset, len(data), piece_bytes):
        piece = data[at : at + piece_bytes]
        under_way.append((client.submit("put_data", session, at, piece), len(piece)))
        while under_way and (under_way[0][0].done or len(under_way) > client.link.window):
            pending, size = under_way.pop(0)
            client.wait(pending)
            done += size
            progress(done, len(data))
    for pending, size in under_way:
        client.wait(pending)
        done += size
        progress(done, len(data))


def largest_piece(frame_bytes: int) -> int:
    """The longest piece of data that a request can carry, in whole units of 256 bytes."""
    return (frame_bytes - _REQUEST_OVERHEAD_BYTES) // _PIECE_UNIT_BYTES * _PIECE_UNIT_BYTES


def _check_offset(offset: int, total: int) -> None:
    if not 0 <= offset <= total or offset % _PIECE_UNIT_BYTES:
        raise ProtocolError(
            f"put_begin: offset must be a multiple of {_PIECE_UNIT_BYTES} in [0, {total}]; "
            f"is {offset}"
        )


def _no_progress(done: int, total: int) -> None:
    pass
