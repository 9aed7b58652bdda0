"""The plan of an upload: which bytes to copy, to patch, to send. No I/O.

A piece is made of bytes that the board holds, of changes of these, or of sent bytes, whichever is
the shortest on the wire. Pieces cover what is missing without gaps or overlaps. They are planned
while earlier ones are sent, some 16 KB at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from host_sdk.store.pieces import UNIT_BYTES, Inventory, Piece, Span
from host_sdk.store.plan_patches import plan_patches


def plan_pieces(new: bytes, inventory: Inventory, room: int) -> Iterator[Piece]:
    """Plan the pieces of a new object in the shortest way that the board offers.

    Args:
        new: the whole new object.
        inventory: what the board holds.
        room: bytes of data that a request can carry.
    """
    if inventory.known is not None:
        return plan_patches(new, inventory.missing, inventory.known, room)
    return plan_copies(new, inventory.missing, inventory.units, room, inventory.can_patch)


def plan_copies(
    new: bytes, missing: Iterable[Span], units: dict[int, int], room: int, packed: bool
) -> Iterator[Piece]:
    """Plan copies of the blocks whose hashes matched; the rest is sent.

    Args:
        new: the whole new object.
        missing: what the board lacks, in units.
        units: offset of a unit in the new object -> flash offset of the same bytes.
        room: bytes of data that a request can carry.
        packed: send the rest as patches of zeros if that is shorter.
    """
    for span in missing:
        for run, at in _runs(span, units):
            if at is None and packed:
                yield from plan_patches(new, [run], None, room)
                continue
            for part in run.parts():
                if at is None:
                    yield Piece.plain(new, part)
                else:
                    yield Piece(part.start, part.size, at + part.start - run.start)


def _runs(span: Span, units: dict[int, int]) -> Iterator[tuple[Span, int | None]]:
    """Split a span into parts that are one copy each, or (None) unknown to the board."""
    start, first = span.start, units.get(span.start)
    for at in range(span.start + UNIT_BYTES, span.end, UNIT_BYTES):
        here = units.get(at)
        follows = here is None if first is None else here == first + at - start
        if not follows:
            yield Span(start, at), first
            start, first = at, here
    yield Span(start, span.end), first
