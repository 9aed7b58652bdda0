"""What a store's log tells of objects, also if the flash is damaged.

A board takes the newer of the log's two areas. Here both are read, the older one first: it still
names what the newer one lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from host_sdk.errors import InputError
from host_sdk.store.log_records import (
    BLANK,
    EARLIER,
    MAJORS,
    MOVES,
    OBJECT,
    REMOVE,
    RETURN,
    SEAL_BYTES,
    SEALED,
    SLOT_BYTES,
    STAGED,
    WITHDRAWN,
    WITHDRAWS,
    Format,
    Record,
    mend_record,
    most_area_bytes,
    read_format,
    read_record,
)

CURRENT, OLDER_LOG = "current", "older log"
FLASH_BYTES_MAX = 1 << 28
LEAST_SECTOR_BYTES = 1024
OBJECTS_MAX = 4096  # of a log; a board takes a quarter of that
_PIECE_BYTES = 1 << 14
_STATES = {EARLIER: "earlier", WITHDRAWN: "withdrawn", STAGED: "staged"}


class Flash(Protocol):
    """The raw flash of a store."""

    @property
    def size_bytes(self) -> int:
        """Size of the store's region."""

    @property
    def sector_bytes(self) -> int:
        """What one erase clears."""

    def read(self, at: int, size: int) -> bytes:
        """Read bytes of the region; those that it cannot give are 0."""


@dataclass(frozen=True)
class LoggedObject:
    """An object as a record of the log describes it.

    Attributes:
        name: printable ASCII.
        version: of that name.
        kind: 1 blob, 2 script, 3 data.
        size_bytes: of its contents.
        sha256: of its contents.
        at: flash offset.
        sequence: of the record.
        state: "current", "earlier", "withdrawn", "staged"; "older log": only the log before
            the last compaction tells of it.
        seal_at: flash offset of its seal; None: it has none.
    """

    name: str
    version: int
    kind: int
    size_bytes: int
    sha256: bytes
    at: int
    sequence: int
    state: str
    seal_at: int | None = None


@dataclass(frozen=True)
class StoreLog:
    """What could be read of a log.

    Attributes:
        objects: sorted by name and version.
        lost: records that are missing, since the store was formatted; a last one that is not whole
            counts, though power may have failed while it was written.
        is_blank: nothing was ever written there.
    """

    objects: tuple[LoggedObject, ...]
    lost: int
    is_blank: bool


def read_log(flash: Flash, progress: Callable[[int, int], None] | None = None) -> StoreLog:
    """Read what the records of both areas tell of objects.

    Args:
        flash: of the store.
        progress: called with (done, total) bytes.

    Raises:
        InputError: the store is of another format, or no store has such a flash or log.
    """
    check_geometry(flash.size_bytes, flash.sector_bytes)
    area = min(most_area_bytes(flash.size_bytes, flash.sector_bytes), flash.size_bytes // 2)
    slots = _read_slots(flash, 2 * area, progress)
    formats = [f for f in map(read_format, slots) if f is not None and _is_sound(f, 2 * area)]
    _check_major(formats)
    per_area = max(f.area_bytes for f in formats) // SLOT_BYTES if formats else 0
    if per_area:
        slots = slots[: 2 * per_area]
    records = _read_records(slots)
    order = _logs_in_order(records, slots, per_area, {f.generation for f in formats})
    replay = _Replay()
    for generation in order:
        replay.begin()
        for record in (r for r in records.values() if r.generation == generation):
            replay.apply(record)
    is_blank = all(slot == BLANK for slot in slots)
    lost = _count_lost(records, slots, per_area, formats, order)
    return StoreLog(replay.sorted(), lost, is_blank)


def check_geometry(size_bytes: int, sector_bytes: int) -> None:
    """Check that a store can have such a flash.

    Raises:
        InputError: its size or its sectors are out of range.
    """
    if not 0 < size_bytes <= FLASH_BYTES_MAX:
        raise InputError(f"flash must have 1 to {FLASH_BYTES_MAX} bytes; has {size_bytes}")
    if sector_bytes < LEAST_SECTOR_BYTES or sector_bytes & (sector_bytes - 1):
        raise InputError(
            f"sector must be a power of two, at least {LEAST_SECTOR_BYTES} bytes; is {sector_bytes}"
        )


def _read_slots(
    flash: Flash, total: int, progress: Callable[[int, int], None] | None
) -> list[bytes]:
    slots: list[bytes] = []
    for start in range(0, total, _PIECE_BYTES):
        raw = flash.read(start, min(_PIECE_BYTES, total - start))
        slots += (raw[i : i + SLOT_BYTES] for i in range(0, len(raw), SLOT_BYTES))
        if progress is not None:
            progress(start + len(raw), total)
    return slots


def _is_sound(found: Format, most_bytes: int) -> bool:
    return found.area_bytes % SLOT_BYTES == 0 and 0 < 2 * found.area_bytes <= most_bytes


def _check_major(formats: Iterable[Format]) -> None:
    for found in formats:
        if found.major not in MAJORS:
            known = " or ".join(map(str, MAJORS))
            raise InputError(f"store's format must be of major {known}; is of {found.major}")


def _read_records(slots: list[bytes]) -> dict[int, Record]:
    """Read all records, by their slots, also those one of whose bits is wrong."""
    records = {i: r for i, slot in enumerate(slots) if (r := read_record(slot)) is not None}
    generations = {r.generation for r in records.values()}
    for i, slot in enumerate(slots):
        mended = mend_record(slot) if i not in records else None
        if mended is not None and mended.generation in generations:
            records[i] = mended
    return dict(sorted(records.items()))


def _logs_in_order(
    records: dict[int, Record], slots: list[bytes], per_area: int, complete: set[int]
) -> list[int]:
    """Sort the generations: last the log, first what a compaction left unfinished.

    Args:
        records: by their slots.
        slots: of both areas.
        per_area: slots of one area; 0: no FORMAT record says it.
        complete: generations whose FORMAT record is right.
    """

    def key(generation: int) -> tuple[bool, int]:
        first = next(i for i, r in records.items() if r.generation == generation)
        is_unfinished = per_area > 0 and slots[first // per_area * per_area] == BLANK
        return generation in complete or not is_unfinished, generation

    return sorted({r.generation for r in records.values()}, key=key)


def _count_lost(
    records: dict[int, Record],
    slots: list[bytes],
    per_area: int,
    formats: list[Format],
    order: list[int],
) -> int:
    """Count the records of the log that are missing, and a last one that is not whole."""
    last = order[-1] if order else max((f.generation for f in formats), default=0)
    own = {i: r.sequence for i, r in records.items() if r.generation == last}
    found = next((f for f in formats if f.generation == last), None)
    if found is None:  # nothing says what there should be
        start, end = (min(own), max(own)) if own else (0, 0)
        broken = sum(slots[i] != BLANK and i not in own for i in range(start, end))
        return broken + any(slot != BLANK for slot in slots)
    later = {s for s in own.values() if s > found.sequence}
    missing = max(later, default=found.sequence) - found.sequence - len(later)
    copies = sum(s < found.sequence for s in own.values())
    missing += max(found.records - copies, 0) + found.lost
    return missing + _ends_broken(slots, per_area, found, own)


def _ends_broken(slots: list[bytes], per_area: int, found: Format, own: Mapping[int, int]) -> bool:
    """Whether something that is no record follows the last one."""
    start = next(i for i in (0, per_area) if any(_is_of(s, found) for s in slots[i : i + per_area]))
    end = start + per_area - (found.major > 2)  # there the last slot is a FORMAT record's
    return any(slots[i] != BLANK for i in range(max(own, default=start) + 1, end))


def _is_of(slot: bytes, found: Format) -> bool:
    return read_format(slot) == found


def _seal_at(record: Record) -> int | None:
    if not record.flags & SEALED or record.extent_bytes < record.size + SEAL_BYTES:
        return None
    return record.offset + record.extent_bytes - SEAL_BYTES


class _Replay:
    """The objects that records leave, one record after another."""

    def __init__(self) -> None:
        self._names: dict[str, dict[int, LoggedObject]] = {}  # by version
        self._current: dict[str, int] = {}  # version of a name
        self._count = 0

    def begin(self) -> None:
        """Begin a newer log: its compaction copied all that counts."""
        self._current.clear()
        for versions in self._names.values():
            for version, known in versions.items():
                versions[version] = replace(known, state=OLDER_LOG)

    def apply(self, record: Record) -> None:
        """Do what a record says."""
        name = record.text_name
        if name is None:
            return
        if record.kind == OBJECT:
            self._place(name, record)
        elif record.kind == REMOVE:
            self._remove(name, record.version)
            self._settle(name)
        elif record.kind == RETURN:
            self._return(name, record)
            self._settle(name)

    def sorted(self) -> tuple[LoggedObject, ...]:
        """Return all objects, by name and version."""
        return tuple(sorted(self._all(), key=lambda o: (o.name, o.version)))

    def _all(self) -> Iterator[LoggedObject]:
        for versions in self._names.values():
            yield from versions.values()

    def _place(self, name: str, record: Record) -> None:
        versions = self._names.setdefault(name, {})
        known = versions.get(record.version)
        if known is None:
            self._count += 1
        if self._count > OBJECTS_MAX:
            raise InputError(f"a store's log must name at most {OBJECTS_MAX} objects; names more")
        is_moved = known is not None and record.flags & MOVES
        state = known.state if known and is_moved else _STATES.get(record.state, CURRENT)
        versions[record.version] = LoggedObject(
            name=name,
            version=record.version,
            kind=record.type,
            size_bytes=record.size,
            sha256=record.sha256,
            at=record.offset,
            sequence=record.sequence,
            state=state,
            seal_at=_seal_at(record),
        )
        if state == CURRENT:
            self._make_current(name, record.version)

    def _make_current(self, name: str, version: int) -> None:
        before = self._current.get(name)
        if before is not None and before != version:
            self._set_state(name, before, "earlier")
        self._set_state(name, version, CURRENT)
        self._current[name] = version

    def _set_state(self, name: str, version: int, state: str) -> None:
        self._names[name][version] = replace(self._names[name][version], state=state)

    def _remove(self, name: str, version: int) -> None:
        versions = self._names.get(name, {})
        gone = list(versions) if version == 0 else [version] * (version in versions)
        for each in gone:
            del versions[each]
            self._count -= 1
        if self._current.get(name) in gone:
            del self._current[name]

    def _return(self, name: str, record: Record) -> None:
        if record.flags & WITHDRAWS and record.version in self._names.get(name, {}):
            self._set_state(name, record.version, "withdrawn")
            if self._current.get(name) == record.version:
                del self._current[name]
        before = next((o for o in self._all() if o.sequence == record.previous != 0), None)
        if before is not None:
            self._make_current(before.name, before.version)

    def _settle(self, name: str) -> None:
        """If nothing of a name is current, its last earlier version becomes so."""
        versions = self._names.get(name, {})
        earlier = [v for v, known in versions.items() if known.state == "earlier"]
        if earlier and name not in self._current:
            self._make_current(name, max(earlier))
