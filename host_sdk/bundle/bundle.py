"""The bytes of a bundle (docs/SPEC-bundle.md). No I/O.

A reader refuses at the same byte as the board's (device_fw/core/store/xn_bundle.c); what lies
between members, and a member's type under its name, only the reader here looks at.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from host_sdk.errors import BundleFileError
from host_sdk.store.files import BLOB, BUNDLE_MAGIC, DATA, WEIGHTS, object_kind

MOST_MEMBERS = 16
ALIGN = 4096
NAME_CHARACTERS = 39

_VERSION = 1  # minor << 8 | major
_HEADER = struct.Struct("<4sHHII")  # magic, version, count, size, reserved
_ROW = struct.Struct("<40s32sIII")  # name, sha256, type, offset, size
TABLE_BYTES = _HEADER.size + MOST_MEMBERS * _ROW.size  # at most


@dataclass(frozen=True)
class Member:
    """What a bundle holds.

    Attributes:
        name: without that of the bundle: 1 to 39 printable ASCII characters, none of them "/".
        data: its bytes.
    """

    name: str
    data: bytes

    @property
    def kind(self) -> int:
        """The type that it is stored as: BLOB, SCRIPT or DATA."""
        kind = object_kind(self.name, self.data)
        return DATA if kind == WEIGHTS else kind  # weights are found in the store alone


@dataclass(frozen=True)
class Row:
    """A row of a bundle's table.

    Attributes:
        name: of the member.
        sha256: of its bytes.
        kind: its type.
        offset: of its first byte in the bundle.
        size_bytes: how many.
    """

    name: str
    sha256: bytes
    kind: int
    offset: int
    size_bytes: int


def pack_bundle(members: Sequence[Member]) -> bytes:
    """Make a bundle.

    Args:
        members: the first is the model that serves; the order of the others does not matter.

    Raises:
        BundleFileError: there is none, or too many; a name is none, or twice; the first is no blob.
    """
    _check_members(members)
    ordered = [members[0], *sorted(members[1:], key=lambda member: member.name)]
    rows = b""
    body = bytearray()
    for member in ordered:
        offset = _align(ALIGN + len(body))
        body += bytes(offset - ALIGN - len(body)) + member.data
        digest = hashlib.sha256(member.data).digest()
        name = member.name.encode("ascii")
        rows += _ROW.pack(name, digest, member.kind, offset, len(member.data))
    head = _HEADER.pack(BUNDLE_MAGIC, _VERSION, len(ordered), ALIGN + len(body), 0)
    return (head + rows).ljust(ALIGN, b"\0") + bytes(body)


def unpack_bundle(data: bytes) -> tuple[Member, ...]:
    """Read a whole bundle, by all rules of the format.

    Raises:
        BundleFileError: it breaks one.
    """
    rows = read_rows(data, len(data))
    end = _HEADER.size + len(rows) * _ROW.size
    members = []
    for i, row in enumerate(rows):
        gap = data[end : row.offset]
        if gap.strip(b"\0"):
            at = end + len(gap) - len(gap.lstrip(b"\0"))
            raise _wrong(at, f"must be 0 before the member '{row.name}'; is {data[at]}")
        end = row.offset + row.size_bytes
        member = Member(row.name, data[row.offset : end])
        if hashlib.sha256(member.data).digest() != row.sha256:
            raise _wrong(_row_at(i) + 40, f"must be the SHA-256 of '{row.name}'; is another's")
        if member.kind != row.kind:
            rule = f"must be {member.kind}, the type of '{row.name}'; is {row.kind}"
            raise _wrong(_row_at(i) + 72, rule)
        members.append(member)
    return tuple(members)


def read_rows(data: bytes, size: int) -> tuple[Row, ...]:
    """Read header and rows.

    Args:
        data: at least these.
        size: bytes of the whole bundle.

    Raises:
        BundleFileError: they break a rule; `byte` is the offset of the field that does.
    """
    if (least := min(len(data), size)) < _HEADER.size:
        raise _wrong(least, f"must be one of {_HEADER.size} of the header; is the end")
    magic, version, count, stated, reserved = _HEADER.unpack_from(data)
    if magic != BUNDLE_MAGIC:
        raise _wrong(0, f"must begin with {BUNDLE_MAGIC!r}; begins with {magic!r}")
    if version != _VERSION:
        seen = f"{version & 255}.{version >> 8}"
        raise _wrong(4, f"must be of the format 1.0; is of {seen}: a newer xipnet may read it")
    if not 1 <= count <= MOST_MEMBERS:
        raise _wrong(6, f"must be 1 to {MOST_MEMBERS} members; is {count}")
    if stated != size or _row_at(count) > min(size, len(data)):
        raise _wrong(8, f"must be the bundle's bytes, with all rows; is {stated} of {size}")
    if reserved:
        raise _wrong(12, f"must be 0, reserved; is {reserved}")
    rows: list[Row] = []
    for i in range(count):
        rows.append(_read_row(data, i, rows, size))
    end = rows[-1].offset + rows[-1].size_bytes
    if end != size:
        raise _wrong(end, f"must be the end of the bundle, as of its last member; it has {size}")
    return tuple(rows)


def is_member_name(name: str) -> bool:
    """Tell whether a member may have this name."""
    printable = all(" " <= character <= "~" and character != "/" for character in name)
    return 1 <= len(name) <= NAME_CHARACTERS and printable


# ---- Rules ---------------------------------------------------------------------------------------


def _read_row(data: bytes, i: int, before: Sequence[Row], size: int) -> Row:
    raw, sha256, kind, offset, size_bytes = _ROW.unpack_from(data, _row_at(i))
    at = _row_at(i)
    name = raw.rstrip(b"\0").decode("latin-1")
    if not is_member_name(name):
        raise _wrong(at, f"must be 1 to 39 printable ASCII characters without '/'; is {name!r}")
    if i and (name == before[0].name or (i > 1 and name <= before[-1].name)):
        raise _wrong(at, f"must rise behind the first member, none twice; '{name}' does not")
    if kind not in (range(BLOB, DATA + 1) if i else (BLOB,)):
        rule = "1 blob, 2 script or 3 data" if i else "1, a blob"
        raise _wrong(at + 72, f"must be {rule}, for '{name}'; is {kind}")
    expected = _align(before[-1].offset + before[-1].size_bytes) if before else ALIGN
    if offset != expected or offset >= size:
        raise _wrong(at + 76, f"must be {expected}, within {size}, for '{name}'; is {offset}")
    if not 1 <= size_bytes <= size - offset:
        most = size - offset
        raise _wrong(at + 80, f"must be 1 to {most} bytes, for '{name}'; is {size_bytes}")
    return Row(name, sha256, kind, offset, size_bytes)


def _check_members(members: Sequence[Member]) -> None:
    names = [member.name for member in members]
    if not 1 <= len(members) <= MOST_MEMBERS:
        raise BundleFileError(f"a bundle must have 1 to {MOST_MEMBERS} members; has {len(members)}")
    for member in members:
        if not is_member_name(member.name):
            raise BundleFileError(
                f"a member's name must be 1 to {NAME_CHARACTERS} printable ASCII characters "
                f"without '/'; is {member.name!r}"
            )
        if not member.data:
            raise BundleFileError(f"member '{member.name}' must have at least 1 byte; has 0")
        if names.count(member.name) > 1:
            raise BundleFileError(f"each member must have its own name; '{member.name}' is twice")
        if member.kind > DATA:
            raise BundleFileError(f"member '{member.name}' must be no bundle itself; is one")
    if members[0].kind != BLOB:
        raise BundleFileError(f"the first member must be a blob; '{names[0]}' is none")


def _wrong(byte: int, rule: str) -> BundleFileError:
    return BundleFileError(f"bundle, byte {byte}: {rule}", byte)


def _row_at(i: int) -> int:
    return _HEADER.size + i * _ROW.size


def _align(offset: int) -> int:
    return -(-offset // ALIGN) * ALIGN
