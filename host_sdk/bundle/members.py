"""What the bundles of a board's store hold."""

from __future__ import annotations

from dataclasses import replace

from host_sdk.bundle.bundle import TABLE_BYTES, read_rows
from host_sdk.errors import BundleFileError, LockedError, ObjectDamagedError
from host_sdk.link.board_info import OBJECT_TYPES, StoredMember, StoredObject
from host_sdk.link.session import Session, read_pieces
from host_sdk.store.files import BUNDLE


def with_members(session: Session, stored: StoredObject) -> StoredObject:
    """Add a bundle's members; one that is damaged, or not to be read, gets none."""
    if stored.type != OBJECT_TYPES[BUNDLE]:
        return stored
    size = min(TABLE_BYTES, stored.size_bytes)
    try:
        data = read_pieces(session, "get", size, lambda at, n: (stored.name, at, n))
        rows = read_rows(data, stored.size_bytes)
    except (BundleFileError, LockedError, ObjectDamagedError):
        return stored
    found = (StoredMember(r.name, OBJECT_TYPES[r.kind], r.size_bytes, r.sha256) for r in rows)
    return replace(stored, members=tuple(found))
