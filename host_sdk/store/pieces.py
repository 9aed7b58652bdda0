"""The parts of an upload's plan: spans, pieces, what the board holds. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from host_sdk.link.values import Value

UNIT_BYTES = 256  # offsets and sizes of pieces are multiples of it, except at the end
COPY_BYTES = 16384  # of one request: the board answers nothing else until it is done
ZEROS = 0xFFFFFFFF  # in the place of an offset: patch zeros

_ANCHOR_BYTES = 32
_ANCHOR_STEP = 2  # of code: it moves by whole instructions


@dataclass(frozen=True)
class Span:
    """Bytes [start, end) of the new object."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start

    def parts(self) -> Iterator[Span]:
        """Cut it into parts of one request each."""
        for start in range(self.start, self.end, COPY_BYTES):
            yield Span(start, min(start + COPY_BYTES, self.end))


@dataclass(frozen=True)
class Piece:
    """A way to bring the new object's bytes [offset, offset + size).

    One request, but for bytes that are sent as they are: those may be cut or joined at will.

    Attributes:
        offset: within the new object.
        size: bytes of the new object.
        at: flash offset of old bytes, ZEROS, or None: `data` is sent.
        data: what is sent: new bytes, or the patch of old ones, empty to copy them.
    """

    offset: int
    size: int
    at: int | None = None
    data: bytes = b""

    @staticmethod
    def plain(new: bytes, span: Span) -> Piece:
        """Send a span of the new object as it is."""
        return Piece(span.start, span.size, None, new[span.start : span.end])

    def request(self, session: int) -> tuple[str, tuple[Value, ...]]:
        """Give the method and the parameters that the wire carries."""
        if self.at is None:
            return "put_data", (session, self.offset, self.data)
        if not self.data:
            return "put_copy", (session, self.offset, self.at, self.size)
        return "put_patch", (session, self.offset, self.at, self.size, self.data)


@dataclass(frozen=True)
class KnownBytes:
    """Bytes that the board holds and this computer knows.

    Attributes:
        at: flash offset.
        data: the bytes.
    """

    at: int
    data: bytes
    _anchors: dict[bytes, int] = field(default_factory=dict, repr=False)

    def find(self, wanted: bytes) -> int | None:
        """Find the offset of something like `wanted` in them; None: nowhere."""
        if not self._anchors:
            for i in range(0, len(self.data) - _ANCHOR_BYTES + 1, _ANCHOR_BYTES):
                self._anchors.setdefault(self.data[i : i + _ANCHOR_BYTES], i)
        votes: Counter[int] = Counter()
        for i in range(0, len(wanted) - _ANCHOR_BYTES + 1, _ANCHOR_STEP):
            found = self._anchors.get(wanted[i : i + _ANCHOR_BYTES])
            if found is not None and 0 <= found - i <= len(self.data) - len(wanted):
                votes[found - i] += 1
        return votes.most_common(1)[0][0] if votes else None

    def likeness(self, new: bytes) -> float:
        """Give the share of the new bytes that is the same at the same offset, 0..1."""
        n = min(len(self.data), len(new))
        same = np.frombuffer(self.data, np.uint8, n) == np.frombuffer(new, np.uint8, n)
        return float(np.count_nonzero(same)) / max(len(new), 1)


@dataclass(frozen=True)
class Inventory:
    """The bytes on the board that a new object can be made of.

    Attributes:
        missing: what the object's place lacks, in units.
        units: offset of a unit in the new object -> flash offset of the same bytes.
        known: similar bytes, to be patched; None: there are none.
        can_patch: whether the board takes patches.
    """

    missing: list[Span]
    units: dict[int, int] = field(default_factory=dict)
    known: KnownBytes | None = None
    can_patch: bool = False

    @property
    def missing_bytes(self) -> int:
        """Bytes that the place lacks."""
        return sum(span.size for span in self.missing)


def without(total: int, right: Iterable[Span]) -> list[Span]:
    """Give what is left of [0, total) without spans that do not overlap."""
    left, at = [], 0
    for span in sorted(right, key=lambda s: s.start):
        if span.start > at:
            left.append(Span(at, span.start))
        at = span.end
    return [*left, Span(at, total)] if at < total else left
