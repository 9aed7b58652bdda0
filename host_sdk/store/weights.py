"""Weights as objects of their own on a board: where they are, who needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from host_sdk.link.board_info import OBJECT_TYPES, StoredObject
from host_sdk.link.session import Session
from host_sdk.store.files import WEIGHTS
from host_sdk.store.inventory import StoredExtent, read_extents

_CURRENT, _WITHDRAWN = 0, 2  # states
_MOST_NAME = 39


def find_stored(session: Session, sha256: bytes) -> StoredExtent | None:
    """Find weights on a board by their hash; of several the current ones first."""
    found = [
        e
        for e in read_extents(session)
        if e.kind == WEIGHTS and e.sha256 == sha256 and e.state <= _WITHDRAWN
    ]
    return min(found, key=lambda e: e.state, default=None)


def is_kept(stored: StoredExtent) -> bool:
    """Whether weights stay; earlier versions go when room is needed."""
    return stored.state == _CURRENT


def weights_name(model: str) -> str:
    """Name the weights of a model whose file has no name for them."""
    ending = ".weights"
    return model[: _MOST_NAME - len(ending)] + ending


def with_needs(session: Session, objects: Sequence[StoredObject]) -> list[StoredObject]:
    """Say which blobs wait for their weights, and who needs which weights."""
    needs = {need for o in objects for need in o.needs}
    here = {o.sha256 for o in objects if o.type == OBJECT_TYPES[WEIGHTS]}
    if needs - here:  # an earlier version may have them
        held = (e for e in read_extents(session) if e.state <= _WITHDRAWN)
        here |= {e.sha256 for e in held if e.kind == WEIGHTS}
    return [_with_needs(stored, objects, here) for stored in objects]


def _with_needs(
    stored: StoredObject, objects: Sequence[StoredObject], here: set[bytes]
) -> StoredObject:
    if stored.needs:
        return replace(stored, waits=here.isdisjoint(stored.needs))
    if stored.type == OBJECT_TYPES[WEIGHTS]:
        return replace(stored, needed_by=tuple(o.name for o in objects if stored.sha256 in o.needs))
    return stored
