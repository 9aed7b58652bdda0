"""The records of a store's log, from raw flash: docs/SPEC-store.md."""

from __future__ import annotations

import functools
import struct
import zlib
from typing import NamedTuple

SLOT_BYTES = 128
BLANK = b"\xff" * SLOT_BYTES
MAJORS = (2, 3)  # that are read here

OBJECT, REMOVE, RETURN, DEVICE = 2, 3, 6, 14  # kinds
SKIPPABLE, WITHDRAWS, MOVES, SEALED = 1, 4, 16, 32  # flags
SEAL_BYTES = 192  # that end the extent of a sealed object
EARLIER, WITHDRAWN, STAGED = 1, 2, 3  # states of an OBJECT; 0: current

_FORMAT_KIND = 1
_MAGIC = b"XPSTORE\0"
_FORMAT = struct.Struct("<IIBBBB8sIIIIIII80x")
_RECORD = struct.Struct("<IIBBH40s32sIIIIIHHIIIiI")
_AREA_BYTES_PER_SECTOR, _AREA_BYTES_MIN, _AREA_BYTES_MAX = 16, 16384, 262144
_REGION_SHARE = 32  # of the region that an area may have
_BITS = range(8 * SLOT_BYTES)
_SEED = slice(12, 44)  # of a DEVICE record; boards give zeros


class Format(NamedTuple):
    """The first record of an area, in the order of its bytes."""

    crc: int
    sequence: int
    kind: int
    flags: int
    major: int
    minor: int
    magic: bytes
    generation: int
    region_bytes: int
    sector_bytes: int
    area_bytes: int
    cursor: int
    records: int
    lost: int


class Record(NamedTuple):
    """Any other record. WEAR and TRUST have other fields behind `type`."""

    crc: int
    sequence: int
    kind: int
    flags: int
    type: int
    name: bytes
    sha256: bytes
    offset: int
    size: int
    extent_bytes: int
    version: int
    generation: int
    state: int
    reason: int
    previous: int
    confirm_s: int
    boots: int
    detail: int
    counter: int

    @property
    def text_name(self) -> str | None:
        """The name as text; None if it breaks the rules of names."""
        text, end, _ = self.name.partition(b"\0")
        is_right = bool(text) and bool(end) and all(32 <= byte <= 126 for byte in text)
        return text.decode("ascii") if is_right else None


def most_area_bytes(region_bytes: int, sector_bytes: int) -> int:
    """Compute the most that one of the log's two areas can have, in any format."""
    share = min(region_bytes // _REGION_SHARE, _AREA_BYTES_MAX)
    largest_power = 1 << max(share.bit_length() - 1, 0)
    by_sectors = region_bytes // sector_bytes * _AREA_BYTES_PER_SECTOR
    least = max(largest_power, by_sectors, _AREA_BYTES_MIN)
    return -(-least // sector_bytes) * sector_bytes


def read_format(slot: bytes) -> Format | None:
    """Read the first record of an area; None: it is none, or damaged."""
    if not _is_right(slot):
        return None
    found = Format(*_FORMAT.unpack(slot))
    return found if (found.kind, found.magic) == (_FORMAT_KIND, _MAGIC) else None


def read_record(slot: bytes) -> Record | None:
    """Read another record; None: it is none, or damaged.

    The secret of a board's own key is left out, whether the slot has it or not.
    """
    is_right = _is_right(slot)
    if (not is_right and not _has_no_secret(slot)) or read_format(slot) is not None:
        return None
    record = Record(*_RECORD.unpack(slot))
    if record.kind == DEVICE:
        return record._replace(name=bytes(40), sha256=bytes(32))
    return record


def mend_record(slot: bytes) -> Record | None:
    """Read a record one of whose bits is wrong; None: it is none."""
    if len(slot) != SLOT_BYTES or slot == BLANK:
        return None
    bit = _wrong_bits().get(_difference(slot))
    if bit is None:
        return None
    mended = int.from_bytes(slot, "little") ^ (1 << bit)
    return read_record(mended.to_bytes(SLOT_BYTES, "little"))


def _has_no_secret(slot: bytes) -> bool:
    """Whether a slot is a DEVICE record as a board gives it: its CRC does not fit."""
    if len(slot) != SLOT_BYTES or any(slot[_SEED]):
        return False
    kind, flags, unused = slot[8], slot[9], slot[10:12] + slot[92:100] + slot[104:]
    return (kind, flags) == (DEVICE, SKIPPABLE) and not any(unused)


def _is_right(slot: bytes) -> bool:
    return len(slot) == SLOT_BYTES and _difference(slot) == 0


def _difference(slot: bytes) -> int:
    return zlib.crc32(slot[4:]) ^ int.from_bytes(slot[:4], "little")


@functools.cache
def _wrong_bits() -> dict[int, int]:
    """Map what a wrong bit does to the difference from the CRC to its number."""
    none = _difference(bytes(SLOT_BYTES))
    flips = ((bit, (1 << bit).to_bytes(SLOT_BYTES, "little")) for bit in _BITS)
    return {_difference(flip) ^ none: bit for bit, flip in flips}
