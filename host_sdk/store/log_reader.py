"""What a store's log tells of objects, also if the flash is damaged.

A board takes the newer of the log's two areas. Here both are read, the older one first: it still
names what the newer one lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """

    name: str
    version: int
    kind: int
    size_bytes: int
    sha256: bytes
    at: int
    sequence: int
    state: str


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


def read_log(flash: Flash) -> StoreLog:
    """Read what the records of both areas tell of objects.

    Raises:
        InputError: the store is of another format.
    """
    area = min(most_area_bytes(flash.size_bytes, flash.sector_bytes), flash.size_bytes // 2)
    slots = _slots(flash.read(0, 2 * area))
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


def _slots(raw: bytes) -> list[bytes]:
    return [raw[i : i + SLOT_BYTES] for i in range(0, len(raw), SLOT_BYTES)]


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


class _Replay:
    """The objects that records leave, one record after another."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, int], LoggedObject] = {}

    def begin(self) -> None:
        """Begin a newer log: its compaction copied all that counts."""
        for key, known in self._objects.items():
            self._objects[key] = replace(known, state=OLDER_LOG)

    def apply(self, record: Record) -> None:
        """Do what a record says."""
        name = record.text_name
        if name is None:
            return
        if record.kind == OBJECT:
            self._place(name, record)
        elif record.kind == REMOVE:
            for known in self._of(name):
                if record.version in (0, known.version):
                    del self._objects[name, known.version]
            self._settle(name)
        elif record.kind == RETURN:
            self._return(name, record)

    def sorted(self) -> tuple[LoggedObject, ...]:
        """Return all objects, by name and version."""
        return tuple(self._objects[key] for key in sorted(self._objects))

    def _of(self, name: str) -> list[LoggedObject]:
        return [o for (of, _), o in self._objects.items() if of == name]

    def _place(self, name: str, record: Record) -> None:
        key = (name, record.version)
        known = self._objects.get(key)
        moved = known is not None and record.flags & MOVES
        state = known.state if known and moved else _STATES.get(record.state, CURRENT)
        self._objects[key] = LoggedObject(
            name,
            record.version,
            record.type,
            record.size,
            record.sha256,
            record.offset,
            record.sequence,
            state,
        )
        if state == CURRENT:
            self._make_current(self._objects[key])

    def _make_current(self, chosen: LoggedObject) -> None:
        for known in self._of(chosen.name):
            if known.state == CURRENT:
                self._set_state(known, "earlier")
        self._set_state(chosen, CURRENT)

    def _set_state(self, known: LoggedObject, state: str) -> None:
        self._objects[known.name, known.version] = replace(known, state=state)

    def _return(self, name: str, record: Record) -> None:
        for known in self._of(name):
            if record.flags & WITHDRAWS and known.version == record.version:
                self._set_state(known, "withdrawn")
        for known in list(self._objects.values()):
            if record.previous != 0 and known.sequence == record.previous:
                self._make_current(known)
        self._settle(name)

    def _settle(self, name: str) -> None:
        """If nothing of a name is current, its last earlier version becomes so."""
        of_name = self._of(name)
        earlier = [o for o in of_name if o.state == "earlier"]
        if earlier and not any(o.state == CURRENT for o in of_name):
            self._make_current(max(earlier, key=lambda o: o.version))
