"""What a board holds anywhere in its flash, and which of it a new object can be made of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from host_sdk.errors import ProtocolError
from host_sdk.link.session import Client
from host_sdk.link.wire_map import Fields
from host_sdk.store.blob_cache import recall
from host_sdk.store.plan import UNIT_BYTES, Old, Span

HASH_BYTES = 8
COARSE_BYTES = 4096

_CALL_BLOCKS = 256  # of one call, at most
_CALL_BYTES = 262144
_COARSE_SHARE = 64  # coarse hashes are read of at most 64 times the new object's bytes


@dataclass(frozen=True)
class Held:
    """An object, an old version or an unfinished upload in the board's flash.

    Attributes:
        name: of the object.
        type: 1 blob, 2 script, 3 data.
        size_bytes: of its contents.
        sha256: of its contents.
        state: 0 current, 1 earlier version, 2 withdrawn, 3 unfinished upload.
        at: flash offset.
    """

    name: str
    type: int
    size_bytes: int
    sha256: bytes
    state: int
    at: int

    @staticmethod
    def read(fields: Fields) -> Held:
        """Reads one item of `held`."""
        return Held(
            name=fields.text("name"),
            type=fields.integer("type"),
            size_bytes=fields.integer("size"),
            sha256=fields.data("sha256"),
            state=fields.integer("state"),
            at=fields.integer("at"),
        )


def read_held(client: Client) -> list[Held]:
    """All that lies in the board's flash."""
    found: list[Held] = []
    while True:
        page = Fields({"held": client.call("held", len(found))}, "held").maps("held")
        if not page:
            return found
        found += [Held.read(item) for item in page]


def by_promise(held: Iterable[Held], name: str, kind: int, own_at: int) -> list[Held]:
    """The objects that a new one may resemble: of that name first, whole ones first."""
    others = [h for h in held if h.at != own_at and h.type == kind]
    return sorted(others, key=lambda h: (h.name != name, h.state))


def recall_old(promising: Iterable[Held], new: bytes) -> Old | None:
    """The most similar object whose bytes this computer still knows."""
    best, likeness = None, 0.0
    for held in promising:
        data = recall(held.sha256) if held.state != 3 else None
        if data is not None:
            old = Old(held.at, data)
            if best is None or old.likeness(new) > likeness:
                best, likeness = old, old.likeness(new)
    return best


def read_hashes(client: Client, at: int, size: int, block: int) -> list[bytes]:
    """The board's hashes of the blocks from flash offset `at` on.

    Raises:
        ProtocolError: another number of hashes came back.
    """
    step = min(_CALL_BLOCKS * block, _CALL_BYTES)
    hashes: list[bytes] = []
    for start in range(0, size, step):
        part = min(step, size - start)
        data = client.call("hashes", at + start, part, block, timeout_s=60.0)
        wanted = HASH_BYTES * -(-part // block)
        if not isinstance(data, bytes) or len(data) != wanted:
            raise ProtocolError(f"hashes: must be {wanted} bytes; is {str(data)[:80]}")
        hashes += [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]
    return hashes


def own_hashes(data: bytes, block: int) -> list[bytes]:
    """What `hashes` would say of these bytes."""
    starts = range(0, len(data), block)
    return [hashlib.sha256(data[i : i + block]).digest()[:HASH_BYTES] for i in starts]


def right_sectors(client: Client, at: int, data: bytes, sector: int) -> list[Span]:
    """Sectors of a resumed place that hold the right bytes already."""
    there = read_hashes(client, at, len(data), sector)
    return [
        Span(i * sector, min((i + 1) * sector, len(data)))
        for i, (seen, own) in enumerate(zip(there, own_hashes(data, sector), strict=True))
        if seen == own
    ]


def match_blocks(client: Client, promising: list[Held], new: bytes) -> dict[int, int]:
    """Finds units of the new object in the board's flash, without knowing what that holds.

    Coarse blocks of all promising objects first; then, where the most similar one differs, its
    units.

    Returns:
        Offset of a unit in the new object -> flash offset of the same bytes.
    """
    wanted: dict[bytes, list[int]] = {}
    for i, own in enumerate(own_hashes(new, COARSE_BYTES)):
        wanted.setdefault(own, []).append(i * COARSE_BYTES)
    matched: dict[int, int] = {}
    best, most = None, -1
    for held in _affordable(promising, len(new)):
        before = len(matched)
        hashes = read_hashes(client, held.at, held.size_bytes, COARSE_BYTES)
        for i, seen in enumerate(hashes):
            for offset in wanted.pop(seen, ()):
                matched.update(_units(offset, held.at + i * COARSE_BYTES, len(new)))
        if len(matched) - before > most:
            best, most = held, len(matched) - before
    if best is not None:
        _match_units(client, best, new, matched)
    return matched


def _affordable(promising: list[Held], new_bytes: int) -> Iterator[Held]:
    left = _COARSE_SHARE * new_bytes
    for held in promising:
        left -= held.size_bytes
        if left < 0:
            return
        yield held


def _units(offset: int, at: int, total: int) -> Iterator[tuple[int, int]]:
    for i in range(0, min(COARSE_BYTES, total - offset), UNIT_BYTES):
        yield offset + i, at + i


def _match_units(client: Client, held: Held, new: bytes, matched: dict[int, int]) -> None:
    """Compares the units that lie at the same offset of a held object and have no match yet."""
    shared = min(len(new), held.size_bytes) // UNIT_BYTES * UNIT_BYTES
    own = own_hashes(new[:shared], UNIT_BYTES)
    lacking = [i for i in range(0, shared, UNIT_BYTES) if i not in matched]
    for start, end in _neighbours(lacking):
        seen = read_hashes(client, held.at + start, end - start, UNIT_BYTES)
        for i, value in enumerate(seen):
            if value == own[start // UNIT_BYTES + i]:
                matched[start + i * UNIT_BYTES] = held.at + start + i * UNIT_BYTES


def _neighbours(units: list[int]) -> Iterator[tuple[int, int]]:
    """[start, end) of runs of neighbouring units."""
    start = None
    for i, unit in enumerate(units):
        start = unit if start is None else start
        if i + 1 == len(units) or units[i + 1] != unit + UNIT_BYTES:
            yield start, unit + UNIT_BYTES
            start = None
