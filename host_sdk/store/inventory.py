"""The first step of an upload: ask what the flash holds for a new object."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from host_sdk.errors import ProtocolError
from host_sdk.link.board_info import MOST_FLASH_BYTES
from host_sdk.link.paging import read_maps
from host_sdk.link.session import Session
from host_sdk.link.values import brief
from host_sdk.link.wire_map import WireMap
from host_sdk.store.blob_cache import recall
from host_sdk.store.files import BUNDLE, NewObject
from host_sdk.store.pieces import UNIT_BYTES, Inventory, KnownBytes, Span, without

HASH_BYTES = 8
COARSE_BYTES = 4096

_CALL_BLOCKS = 256  # of one call, at most
_CALL_BYTES = 262144
_MOST_BLOCK = 65536
_COARSE_SHARE = 64  # coarse hashes are read of at most 64 times the new object's bytes
_UNFINISHED, _LOST = 3, 4  # states


@dataclass(frozen=True)
class Place:
    """The place of an upload on the board.

    Attributes:
        session: the board's number for the upload.
        have: the board holds the very object already.
        at: flash offset; None if the firmware does not say.
        resumed: an earlier upload of the same bytes had this place.
    """

    session: int
    have: bool
    at: int | None
    resumed: bool


@dataclass(frozen=True)
class StoredExtent:
    """An object, an old version or an unfinished upload in the board's flash.

    Attributes:
        name: of the object.
        kind: 1 blob, 2 script, 3 data, 6 bundle.
        size_bytes: of its contents.
        sha256: of its contents.
        state: 0 current, 1 earlier version, 2 withdrawn, 3 unfinished upload, 4 lost: its record
            cannot be read any more, and only its name is known, or not even that.
        at: flash offset.
    """

    name: str
    kind: int
    size_bytes: int
    sha256: bytes
    state: int
    at: int

    @staticmethod
    def read(fields: WireMap) -> StoredExtent:
        """Read one item of the reply to `held`."""
        return StoredExtent(
            name=fields.text("name"),
            kind=fields.count("type"),
            size_bytes=fields.count("size", MOST_FLASH_BYTES),
            sha256=fields.digest("sha256"),
            state=fields.count("state"),
            at=fields.count("at", MOST_FLASH_BYTES),
        )


def take_inventory(session: Session, new: NewObject, place: Place) -> Inventory:
    """Ask what a place lacks, and which bytes in the flash can be used for it."""
    missing = find_missing(session, new.data, place)
    methods = session.info.methods
    if place.at is None or not missing or "put_copy" not in methods:
        return Inventory(missing)
    can_patch = "put_patch" in methods
    candidates = _rank(read_extents(session), new, place.at)
    alike = [e for e in candidates if e.kind == new.kind]
    if can_patch and (known := _recall_similar(alike, new.data)):
        return Inventory(missing, known=known, can_patch=True)
    return Inventory(missing, _match_blocks(session, candidates, new.data), can_patch=can_patch)


def find_missing(session: Session, data: bytes, place: Place) -> list[Span]:
    """Ask what a place lacks of the new bytes."""
    if place.have:
        return []
    right: list[Span] = []
    if place.resumed and place.at is not None and "hashes" in session.info.methods:
        right = _right_sectors(session, place.at, data)
    return without(len(data), right)


def _right_sectors(session: Session, at: int, data: bytes) -> list[Span]:
    """Find the sectors of a resumed place that hold the right bytes already."""
    sector = session.info.sector_bytes
    block = min(sector, _MOST_BLOCK)
    there = read_hashes(session, at, len(data), block)
    right = [seen == own for seen, own in zip(there, block_hashes(data, block), strict=True)]
    blocks = sector // block
    return [
        Span(i * sector, min((i + 1) * sector, len(data)))
        for i in range(-(-len(data) // sector))
        if all(right[i * blocks : (i + 1) * blocks])
    ]


# ---- What else the flash holds -------------------------------------------------------------------


def read_extents(session: Session) -> list[StoredExtent]:
    """List all that the board's flash holds."""
    return [StoredExtent.read(item) for item in read_maps(session, "held")]


def read_lost(session: Session) -> list[str]:
    """List the names of the log's lost records; "": not even that is known."""
    return [e.name for e in read_extents(session) if e.state == _LOST]


def _rank(extents: Sequence[StoredExtent], new: NewObject, own_at: int) -> list[StoredExtent]:
    """Sort those that a new object may resemble: its own name first, whole ones first.

    A bundle holds what others are; its own type comes first, then.
    """
    kinds = {new.kind, BUNDLE} if new.kind != BUNDLE else {e.kind for e in extents}
    others = [e for e in extents if e.at != own_at and e.kind in kinds]
    return sorted(others, key=lambda e: (e.name != new.name, e.kind != new.kind, e.state))


def _recall_similar(candidates: Iterable[StoredExtent], new: bytes) -> KnownBytes | None:
    """Find the most similar extent whose bytes this computer still knows."""
    best, likeness = None, 0.0
    for extent in candidates:
        data = recall(extent.sha256) if extent.state != _UNFINISHED else None
        if data is not None:
            known = KnownBytes(extent.at, data)
            if best is None or known.likeness(new) > likeness:
                best, likeness = known, known.likeness(new)
    return best


# ---- Hashes --------------------------------------------------------------------------------------


def read_hashes(session: Session, at: int, size: int, block: int) -> list[bytes]:
    """Ask the board for the hashes of the blocks from flash offset `at` on.

    Raises:
        ProtocolError: another number of hashes came back.
    """
    step = min(_CALL_BLOCKS * block, _CALL_BYTES)
    hashes: list[bytes] = []
    for start in range(0, size, step):
        part = min(step, size - start)
        data = session.call("hashes", at + start, part, block, timeout_s=60.0)
        wanted = HASH_BYTES * -(-part // block)
        if not isinstance(data, bytes) or len(data) != wanted:
            raise ProtocolError(f"hashes: must be {wanted} bytes; is {brief(data)}")
        hashes += [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]
    return hashes


def block_hashes(data: bytes, block: int) -> list[bytes]:
    """Compute what a board would answer to `hashes` for these bytes."""
    starts = range(0, len(data), block)
    return [hashlib.sha256(data[i : i + block]).digest()[:HASH_BYTES] for i in starts]


def _match_blocks(session: Session, candidates: list[StoredExtent], new: bytes) -> dict[int, int]:
    """Find units of the new object in the board's flash by their hashes.

    Coarse blocks of all candidates first; then the units of the most similar one that differ.

    Returns:
        Offset of a unit in the new object -> flash offset of the same bytes.
    """
    wanted: dict[bytes, list[int]] = {}
    for i, own in enumerate(block_hashes(new, COARSE_BYTES)):
        wanted.setdefault(own, []).append(i * COARSE_BYTES)
    matched: dict[int, int] = {}
    best, most = None, -1
    for extent in _affordable(candidates, len(new)):
        before = len(matched)
        hashes = read_hashes(session, extent.at, extent.size_bytes, COARSE_BYTES)
        for i, seen in enumerate(hashes):
            for offset in wanted.pop(seen, ()):
                matched.update(_units(offset, extent.at + i * COARSE_BYTES, len(new)))
        if len(matched) - before > most:
            best, most = extent, len(matched) - before
    if best is not None:
        _match_units(session, best, new, matched)
    return matched


def _affordable(candidates: list[StoredExtent], new_bytes: int) -> Iterator[StoredExtent]:
    left = _COARSE_SHARE * new_bytes
    for extent in candidates:
        left -= extent.size_bytes
        if left < 0:
            return
        yield extent


def _units(offset: int, at: int, total: int) -> Iterator[tuple[int, int]]:
    for i in range(0, min(COARSE_BYTES, total - offset), UNIT_BYTES):
        yield offset + i, at + i


def _match_units(
    session: Session, extent: StoredExtent, new: bytes, matched: dict[int, int]
) -> None:
    """Compare the units at the same offset of an extent that have no match yet."""
    shared = min(len(new), extent.size_bytes) // UNIT_BYTES * UNIT_BYTES
    own = block_hashes(new[:shared], UNIT_BYTES)
    lacking = [i for i in range(0, shared, UNIT_BYTES) if i not in matched]
    for start, end in _runs(lacking):
        seen = read_hashes(session, extent.at + start, end - start, UNIT_BYTES)
        for i, value in enumerate(seen):
            if value == own[start // UNIT_BYTES + i]:
                matched[start + i * UNIT_BYTES] = extent.at + start + i * UNIT_BYTES


def _runs(units: list[int]) -> Iterator[tuple[int, int]]:
    """Give [start, end) of each run of neighbouring units."""
    start = None
    for i, unit in enumerate(units):
        start = unit if start is None else start
        if i + 1 == len(units) or units[i + 1] != unit + UNIT_BYTES:
            yield start, unit + UNIT_BYTES
            start = None
