"""Puts an object into the board's store: resumed where it stopped, and only what it lacks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from host_sdk.errors import UploadHashError, UploadSessionError
from host_sdk.link.session import Client
from host_sdk.link.values import Value
from host_sdk.link.wire_map import Fields
from host_sdk.store import inventory as holdings
from host_sdk.store.blob_cache import remember
from host_sdk.store.plan import UNIT_BYTES, Piece, Span, plan_copies, plan_patches, without

# progress(done_bytes, total_bytes)
Progress = Callable[[int, int], None]

BLOB, SCRIPT, DATA = 1, 2, 3
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
        sent_bytes: of the object and of patches that went over the wire; 0 where the board held
            the object already.
        pending: True where it is on trial: it goes unless it is confirmed in time.
        pause_us: the longest time that a run had to wait for the switch, microseconds; None where
            the board does not say.
    """

    name: str
    version: int
    active: bool
    golden: bool
    golden_us: int
    sent_bytes: int
    pending: bool = False
    pause_us: int | None = None


@dataclass(frozen=True)
class TrialTerms:
    """How long a new model may stay without being confirmed.

    Attributes:
        confirm_s: seconds, at least 1.
        boots: starts of the board that it may outlast.
    """

    confirm_s: int
    boots: int = 0


@dataclass(frozen=True)
class Sent:
    """An object whose bytes are all on the board.

    Attributes:
        session: the board's number for the upload.
        sent_bytes: what went over the wire.
        name: see `send`.
        data: see `send`.
        kind: see `send`.
    """

    session: int
    sent_bytes: int
    name: str
    data: bytes
    kind: int


def send(
    client: Client, name: str, data: bytes, kind: int, progress: Progress | None = None
) -> Sent:
    """The first half of an upload: brings bytes to the board; nothing changes there yet.

    Args:
        client: the session.
        name: of the object.
        data: its contents; what the board holds already, anywhere, is not sent.
        kind: BLOB, SCRIPT or DATA.
        progress: called with (done, total) bytes.

    Raises:
        StoreError: the store refused.
        LinkError: the way to the board failed; calling again goes on where it stopped.
    """
    place = _begin(client, name, data, kind)
    wanted = [] if place.have else without(len(data), _right(client, place, data))
    planned = _plan(client, place, name, data, kind, wanted)
    there = len(data) - sum(span.size for span in wanted)
    sent_bytes = _send(client, place.session, planned, there, len(data), progress or _no_progress)
    return Sent(place.session, sent_bytes, name, data, kind)


def commit(client: Client, sent: Sent, activate: bool, trial: TrialTerms | None = None) -> Uploaded:
    """The second half of an upload: the board checks the object, and takes it or refuses.

    Args:
        client: the session.
        sent: what was brought there; replaces the object of that name.
        activate: make a blob the active model.
        trial: it goes again unless it is confirmed; None: it stays.

    Raises:
        StoreError: the store refused.
        BlobError: the loader refused the blob, or its golden vector failed.
    """
    try:
        return _end(client, sent, activate, trial)
    except UploadHashError:
        return _end(client, _send_wrong(client, sent), activate, trial)
    except UploadSessionError:
        # Another host came between; or the board has done it, and its reply got lost.
        again = send(client, sent.name, sent.data, sent.kind)
        both = replace(again, sent_bytes=sent.sent_bytes + again.sent_bytes)
        return _end(client, both, activate, trial)


def _end(client: Client, sent: Sent, activate: bool, trial: TrialTerms | None) -> Uploaded:
    terms = () if trial is None else (trial.confirm_s, trial.boots)
    answer = client.call("put_end", sent.session, activate, *terms, timeout_s=_END_TIMEOUT_S)
    remember(sent.data)
    end = Fields(answer, "put_end")
    return Uploaded(
        name=end.text("name"),
        version=end.integer("version"),
        active=end.flag("active"),
        golden=end.flag("golden"),
        golden_us=end.integer("golden_us"),
        sent_bytes=sent.sent_bytes,
        pending="pending" in end and end.flag("pending"),
        pause_us=end.integer("pause_us") if "pause_us" in end else None,
    )


def _send_wrong(client: Client, sent: Sent) -> Sent:
    """What lay on the board was not what its hashes promised: sends what is wrong as it is."""
    place = _begin(client, sent.name, sent.data, sent.kind)
    wanted = without(len(sent.data), _right(client, place, sent.data))
    planned = plan_copies(sent.data, wanted, {}, largest_piece(client), packed=False)
    sent_bytes = _send(client, place.session, planned, 0, len(sent.data), _no_progress)
    return replace(sent, session=place.session, sent_bytes=sent.sent_bytes + sent_bytes)


@dataclass(frozen=True)
class _Place:
    """Where the board wants the object; `at`: flash offset, None where firmware does not say."""

    session: int
    have: bool
    at: int | None
    resumed: bool


def _begin(client: Client, name: str, data: bytes, kind: int) -> _Place:
    digest = hashlib.sha256(data).digest()
    begun = client.call("put_begin", name, kind, len(data), digest, timeout_s=_BEGIN_TIMEOUT_S)
    fields = Fields(begun, "put_begin")
    return _Place(
        session=fields.integer("session"),
        have=fields.flag("have"),
        at=fields.integer("at") if "at" in fields else None,
        resumed="resumed" in fields and fields.flag("resumed"),
    )


def _right(client: Client, place: _Place, data: bytes) -> list[Span]:
    if not place.resumed or place.at is None or "hashes" not in client.info.methods:
        return []
    return holdings.right_sectors(client, place.at, data, client.info.sector_bytes)


def _plan(
    client: Client, place: _Place, name: str, data: bytes, kind: int, wanted: list[Span]
) -> Iterator[Piece]:
    """The shortest way that this board offers."""
    room = largest_piece(client)
    methods = client.info.methods
    if place.at is None or not wanted or "put_copy" not in methods:
        return plan_copies(data, wanted, {}, room, packed=False)
    packed = "put_patch" in methods
    held = holdings.by_promise(holdings.read_held(client), name, kind, place.at)
    old = holdings.recall_old(held, data) if packed else None
    if old is not None:
        return plan_patches(data, wanted, old, room)
    return plan_copies(data, wanted, holdings.match_blocks(client, held, data), room, packed)


def _send(
    client: Client,
    session: int,
    planned: Iterable[Piece],
    done: int,
    total: int,
    progress: Progress,
) -> int:
    """Sends what is planned, while it is planned; returns the bytes of data that it took."""
    sizes: list[int] = []
    sent_bytes = 0

    def calls() -> Iterator[tuple[str, tuple[Value, ...]]]:
        nonlocal sent_bytes
        for piece in _cut(client, planned):
            sizes.append(piece.size)
            sent_bytes += len(piece.data)
            yield piece.request(session)

    progress(done, total)
    for index, _ in enumerate(client.stream_calls(calls())):
        done += sizes[index]
        progress(done, total)
    return sent_bytes


def _cut(client: Client, planned: Iterable[Piece]) -> Iterator[Piece]:
    """Bytes that are sent as they are become pieces as is best for the line at that time."""
    rest = Piece(0, 0)
    for piece in planned:
        if piece.at is None and rest.offset + rest.size == piece.offset:
            piece = Piece(rest.offset, rest.size + piece.size, None, rest.data + piece.data)
        elif rest.size:
            yield rest
        rest = Piece(0, 0)
        if piece.at is not None:
            yield piece
            continue
        while piece.size > (size := largest_piece(client)):
            yield Piece(piece.offset, size, None, piece.data[:size])
            piece = Piece(piece.offset + size, piece.size - size, None, piece.data[size:])
        rest = piece
    if rest.size:
        yield rest


def largest_piece(client: Client) -> int:
    """Bytes of the longest piece that is good for the line now, a multiple of 256."""
    room = client.info.frame_bytes - _REQUEST_OVERHEAD_BYTES
    return client.link.pace.piece_bytes(room // UNIT_BYTES * UNIT_BYTES)


def pieces(client: Client, total: int) -> Iterator[tuple[int, int]]:
    """Cuts data into pieces, each as long as is best for the line at that time (`Pace`).

    Args:
        client: the session.
        total: bytes of the data.

    Yields:
        (offset, size) of each piece; all but the last are a multiple of 256 long.
    """
    at = 0
    while at < total:
        size = min(largest_piece(client), total - at)
        yield at, size
        at += size


def _no_progress(done: int, total: int) -> None:
    pass
