"""Upload an object: ask what the board holds, plan what it lacks, send that.

An upload that was interrupted continues. Nothing changes on the board before `commit`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from host_sdk.display.progress import Progress
from host_sdk.errors import UploadHashError, UploadSessionError
from host_sdk.link.board_info import MOST_FLASH_BYTES
from host_sdk.link.session import Session, largest_piece
from host_sdk.link.values import Value
from host_sdk.link.wire_map import WireMap
from host_sdk.store.blob_cache import remember
from host_sdk.store.files import NewObject
from host_sdk.store.inventory import Place, find_missing, take_inventory
from host_sdk.store.pieces import Inventory, Piece
from host_sdk.store.plan import plan_pieces
from host_sdk.store.trial import TrialTerms

_BEGIN_TIMEOUT_S = 60.0  # the board erases
_END_TIMEOUT_S = 300.0  # the board hashes, checks and runs the golden vector


@dataclass(frozen=True)
class Uploaded:
    """An object that the board has taken.

    Attributes:
        name: in the store.
        version: counts the uploads of that name.
        active: True if it is the active model.
        golden: True if its golden vector was run, and passed.
        golden_us: how long that took, microseconds.
        sent_bytes: of the object and of patches that went over the wire; 0 if the board held the
            object already.
        pending: True if it is on trial: it is withdrawn unless it is confirmed in time.
        pause_us: the longest time that a run had to wait for the switch, microseconds; None if
            the board does not say.
        note: what the caller should know, as a sentence: that a seal was not sent, for the board
            looks at none; "": nothing.
        weights_bytes: those of `sent_bytes` that are of weights as an object of their own.
        waits: it needs weights that are not in the store: it was not tested, and is not active.
    """

    name: str
    version: int
    active: bool
    golden: bool
    golden_us: int
    sent_bytes: int
    pending: bool = False
    pause_us: int | None = None
    note: str = ""
    weights_bytes: int = 0
    waits: bool = False


@dataclass(frozen=True)
class StagedUpload:
    """An object whose bytes are all on the board, not taken yet.

    Attributes:
        new: the object.
        session: the board's number for the upload.
        sent_bytes: what went over the wire.
    """

    new: NewObject
    session: int
    sent_bytes: int


def stage(session: Session, new: NewObject, progress: Progress | None = None) -> StagedUpload:
    """Bring an object's bytes to the board: the first half of an upload.

    Args:
        session: with the board.
        new: the object; what the board holds already, anywhere, is not sent.
        progress: called with (done, total) bytes.

    Raises:
        StoreError: the store refused.
        LinkError: the way to the board failed; calling again continues.
    """
    place = _reserve(session, new)
    inventory = take_inventory(session, new, place)
    planned = plan_pieces(new.data, inventory, largest_piece(session))
    sent_bytes = _send(session, place, planned, inventory, len(new.data), progress)
    return StagedUpload(new, place.session, sent_bytes)


def commit(
    session: Session, staged: StagedUpload, activate: bool, trial: TrialTerms | None = None
) -> Uploaded:
    """Have the board check the object and take it: the second half of an upload.

    Args:
        session: with the board.
        staged: replaces the object of that name.
        activate: make a blob the active model.
        trial: withdraws it unless it is confirmed in time; None: it stays.

    Raises:
        StoreError: the store refused.
        BlobError: the loader refused the blob, or its golden vector failed.
    """
    try:
        return _end(session, staged, activate, trial)
    except UploadHashError:
        return _end(session, _send_wrong(session, staged), activate, trial)
    except UploadSessionError:
        # Another host came between; or the board has done it, and its reply got lost.
        again = stage(session, staged.new)
        both = replace(again, sent_bytes=staged.sent_bytes + again.sent_bytes)
        return _end(session, both, activate, trial)


def _reserve(session: Session, new: NewObject) -> Place:
    """Ask the board for a place."""
    digest = hashlib.sha256(new.data).digest()
    seal = () if new.seal is None else (new.seal,)
    params = (new.name, new.kind, len(new.data), digest, *seal)
    fields = WireMap(session.call("put_begin", *params, timeout_s=_BEGIN_TIMEOUT_S), "put_begin")
    return Place(
        session=fields.count("session"),
        have=fields.flag("have"),
        at=fields.count("at", MOST_FLASH_BYTES) if "at" in fields else None,
        resumed="resumed" in fields and fields.flag("resumed"),
    )


def _end(
    session: Session, staged: StagedUpload, activate: bool, trial: TrialTerms | None
) -> Uploaded:
    terms = () if trial is None else (trial.confirm_s, trial.boots)
    answer = session.call("put_end", staged.session, activate, *terms, timeout_s=_END_TIMEOUT_S)
    remember(staged.new.data)
    end = WireMap(answer, "put_end")
    return Uploaded(
        name=end.text("name"),
        version=end.count("version"),
        active=end.flag("active"),
        golden=end.flag("golden"),
        golden_us=end.count("golden_us"),
        sent_bytes=staged.sent_bytes,
        pending="pending" in end and end.flag("pending"),
        pause_us=end.count("pause_us") if "pause_us" in end else None,
    )


def _send_wrong(session: Session, staged: StagedUpload) -> StagedUpload:
    """Send what was missing on the board though its hashes promised it."""
    new = staged.new
    place = _reserve(session, new)
    inventory = Inventory(find_missing(session, new.data, place))
    planned = plan_pieces(new.data, inventory, largest_piece(session))
    sent_bytes = _send(session, place, planned, inventory, len(new.data), None)
    return StagedUpload(new, place.session, staged.sent_bytes + sent_bytes)


# ---- Sending -------------------------------------------------------------------------------------


def _send(
    session: Session,
    place: Place,
    planned: Iterable[Piece],
    inventory: Inventory,
    total: int,
    progress: Progress | None,
) -> int:
    """Send pieces while they are planned; return the bytes of data that this took."""
    show = progress or _no_progress
    sizes: list[int] = []
    sent_bytes = 0

    def calls() -> Iterator[tuple[str, tuple[Value, ...]]]:
        nonlocal sent_bytes
        for piece in _fit_to_line(session, planned):
            sizes.append(piece.size)
            sent_bytes += len(piece.data)
            yield piece.request(place.session)

    done = total - inventory.missing_bytes
    show(done, total)
    for index, _ in enumerate(session.stream_calls(calls())):
        done += sizes[index]
        show(done, total)
    return sent_bytes


def _fit_to_line(session: Session, planned: Iterable[Piece]) -> Iterator[Piece]:
    """Cut and join the plain bytes as is best for the line at that time."""
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
        while piece.size > (size := largest_piece(session)):
            yield Piece(piece.offset, size, None, piece.data[:size])
            piece = Piece(piece.offset + size, piece.size - size, None, piece.data[size:])
        rest = piece
    if rest.size:
        yield rest


def _no_progress(done: int, total: int) -> None:
    pass
