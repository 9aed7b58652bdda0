"""What a bundle would change on a board, by hash and bytes. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from host_sdk.bundle.bundle import read_rows
from host_sdk.link.board_info import OBJECT_TYPES, StoredObject

__all__ = ["BundleChanges", "MemberChange", "changes_of"]

Change: TypeAlias = Literal["same", "new", "changed", "gone"]


@dataclass(frozen=True)
class MemberChange:
    """A member of a bundle, on the board and in the files.

    Attributes:
        name: of the member.
        type: "blob", "script" or "data".
        change: "same", "new", "changed", or "gone" from the files.
        size_bytes: of its new contents; 0 if it is gone.
        sha256: of them; None if it is gone.
        was_sha256: of what the board holds; None if it holds none.
    """

    name: str
    type: str
    change: Change
    size_bytes: int
    sha256: bytes | None
    was_sha256: bytes | None


@dataclass(frozen=True)
class BundleChanges:
    """What would change if a bundle were loaded.

    Attributes:
        name: of the bundle.
        data: its bytes.
        sha256: of them.
        size_bytes: of it.
        version: that the board has of it; 0: none.
        is_active: it is what the board runs.
        active: name of what the board runs now; None: nothing.
        is_stored: the board holds these very bytes under that name.
        members: by name.
    """

    name: str
    data: bytes
    sha256: bytes
    size_bytes: int
    version: int
    is_active: bool
    active: str | None
    is_stored: bool
    members: tuple[MemberChange, ...]

    @property
    def is_applied(self) -> bool:
        """Whether nothing would change."""
        return self.is_stored and self.is_active

    @property
    def most_bytes(self) -> int:
        """Bytes that are sent at most: less if the board holds parts of them anywhere."""
        return sum(m.size_bytes for m in self.members if m.change in ("new", "changed"))


def changes_of(name: str, data: bytes, stored: Sequence[StoredObject]) -> BundleChanges:
    """Compare a bundle with what a board's store holds.

    Args:
        name: of the bundle in the store.
        data: its bytes.
        stored: as `Device.ls` gives it.

    Raises:
        BundleFileError: the bundle is damaged.
    """
    sha256 = hashlib.sha256(data).digest()
    found = next((o for o in stored if o.name == name), None)
    before = {m.name: m for m in found.members} if found else {}
    rows = {row.name: row for row in read_rows(data, len(data))}
    members = []
    for key in sorted({*rows, *before}):
        row, was = rows.get(key), before.get(key)
        if row is None:
            assert was is not None  # it is in one of both
            members.append(MemberChange(key, was.type, "gone", 0, None, was.sha256))
            continue
        old = was.sha256 if was else None
        change: Change = "new" if was is None else "same" if old == row.sha256 else "changed"
        members.append(
            MemberChange(key, OBJECT_TYPES[row.kind], change, row.size_bytes, row.sha256, old)
        )
    return BundleChanges(
        name=name,
        data=data,
        sha256=sha256,
        size_bytes=len(data),
        version=found.version if found else 0,
        is_active=found is not None and found.active,
        active=next((o.name for o in stored if o.active), None),
        is_stored=found is not None and found.sha256 == sha256,
        members=tuple(members),
    )
