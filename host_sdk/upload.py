"""Puts an object into the board's store: pieces under way at once, resumed where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from host_sdk.client import Client
from host_sdk.errors import ProtocolError
from host_sdk.fields import Fields
from host_sdk.messages import Value

# progress(done_bytes, total_bytes)
Progress = Callable[[int, int], None]

BLOB, SCRIPT, DATA = 1, 2, 3
_PIECE_UNIT_BYTES = 256
_REQUEST_OVERHEAD_BYTES = 128  # of a message around its piece, at most
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
    return commit(client, send(client, name, data, kind, progress), activate)


@dataclass(frozen=True)
class Sent:
    """An object whose bytes are all on the board.

    Attributes:
        session: the board's number for the upload.
        sent_bytes: what went over the wire.
    """

    session: int
    sent_bytes: int


def send(
    client: Client, name: str, data: bytes, kind: int, progress: Progress | None = None
) -> Sent:
    """The first half of `upload`: brings the bytes to the board; nothing changes there yet."""
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
    return Sent(session, sent_bytes)


def commit(client: Client, sent: Sent, activate: bool) -> Uploaded:
    """The second half of `upload`: the board checks the object, and takes it or refuses."""
    answer = client.call("put_end", sent.session, activate, timeout_s=_END_TIMEOUT_S)
    end = Fields(answer, "put_end")
    return Uploaded(
        name=end.text("name"),
        version=end.integer("version"),
        active=end.flag("active"),
        golden=end.flag("golden"),
        golden_us=end.integer("golden_us"),
        sent_bytes=sent.sent_bytes,
    )


def _send(client: Client, session: int, data: bytes, offset: int, progress: Progress) -> None:
    sizes: list[int] = []

    def calls() -> Iterator[tuple[Value, ...]]:
        for at, size in pieces(client, len(data), offset):
            sizes.append(size)
            yield session, at, data[at : at + size]

    done = offset
    progress(done, len(data))
    for index, _ in enumerate(client.stream("put_data", calls())):
        done += sizes[index]
        progress(done, len(data))


def pieces(client: Client, total: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Cuts data into pieces, each as long as is best for the line at that time (`Pace`).

    Args:
        client: the session.
        total: bytes of the data.
        start: where to begin, a multiple of 256.

    Yields:
        (offset, size) of each piece; all but the last are a multiple of 256 long.
    """
    room = client.info.frame_bytes - _REQUEST_OVERHEAD_BYTES
    most = room // _PIECE_UNIT_BYTES * _PIECE_UNIT_BYTES
    at = start
    while at < total:
        size = min(client.link.pace.piece_bytes(most), total - at)
        yield at, size
        at += size


def _check_offset(offset: int, total: int) -> None:
    if not 0 <= offset <= total or offset % _PIECE_UNIT_BYTES:
        raise ProtocolError(
            f"put_begin: offset must be a multiple of {_PIECE_UNIT_BYTES} in [0, {total}]; "
            f"is {offset}"
        )


def _no_progress(done: int, total: int) -> None:
    pass
