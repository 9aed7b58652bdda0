"""Write raw deflate (RFC 1951), the same bytes on every machine.

What zlib writes depends on which zlib Python was built with, and a blob must not. Fixed Huffman
codes and the nearest of a few matches are enough for a few KB of names; any inflate reads it.
"""

from __future__ import annotations

_SHORTEST, _LONGEST, _WINDOW = 3, 258, 32768
_TRIES = 32  # places that are compared for a match: more find little


def deflate(data: bytes) -> bytes:
    """Pack bytes into one block with fixed codes (RFC 1951, section 3.2.6)."""
    out = _Bits()
    out.add(0b011, 3)  # the last block, fixed codes
    places: dict[bytes, list[int]] = {}
    at = 0
    while at < len(data):
        length, distance = _find_match(data, at, places)
        if length:
            _add_match(out, length, distance)
        else:
            _add_symbol(out, data[at])
        for passed in range(at, at + max(length, 1)):
            places.setdefault(data[passed : passed + _SHORTEST], []).append(passed)
        at += max(length, 1)
    _add_symbol(out, 256)  # the end
    return out.finish()


def _find_match(data: bytes, at: int, places: dict[bytes, list[int]]) -> tuple[int, int]:
    """Return (length, distance) of the longest match, or (0, 0)."""
    best = (0, 0)
    most = min(_LONGEST, len(data) - at)
    if most < _SHORTEST:
        return best
    for place in reversed(places.get(data[at : at + _SHORTEST], [])[-_TRIES:]):
        if at - place > _WINDOW:
            break
        length = _SHORTEST
        while length < most and data[place + length] == data[at + length]:
            length += 1
        if length > best[0]:
            best = (length, at - place)
    return best


class _Bits:
    """A row of bits, the first in the lowest place of the first byte."""

    def __init__(self) -> None:
        self._row = 0
        self._count = 0
        self._bytes = bytearray()

    def add(self, value: int, bits: int) -> None:
        """Append a number, its lowest bit first."""
        self._row |= value << self._count
        self._count += bits
        while self._count >= 8:
            self._bytes.append(self._row & 0xFF)
            self._row >>= 8
            self._count -= 8

    def add_code(self, code: int, bits: int) -> None:
        """Append a Huffman code, its highest bit first."""
        self.add(int(f"{code:0{bits}b}"[::-1], 2), bits)

    def finish(self) -> bytes:
        """Fill the last byte with zeros."""
        if self._count:
            self._bytes.append(self._row)
        return bytes(self._bytes)


def _add_symbol(out: _Bits, symbol: int) -> None:
    if symbol < 144:
        out.add_code(0x30 + symbol, 8)
    elif symbol < 256:
        out.add_code(0x190 + symbol - 144, 9)
    elif symbol < 280:
        out.add_code(symbol - 256, 7)
    else:
        out.add_code(0xC0 + symbol - 280, 8)


def _bases(counts: tuple[int, ...], first: int) -> list[tuple[int, int]]:
    """Return (base, extra bits) of codes; counts: with 0, 1, .. extra bits."""
    bases, base = [], first
    for extra, count in enumerate(counts):
        for _ in range(count):
            bases.append((base, extra))
            base += 1 << extra
    return bases


_LENGTHS = [*_bases((8, 4, 4, 4, 4, 4), 3)[:-1], (227, 5), (258, 0)]
_DISTANCES = _bases((4, *[2] * 13), 1)


def _add_match(out: _Bits, length: int, distance: int) -> None:
    code = max(i for i, (base, _) in enumerate(_LENGTHS) if base <= length)
    base, extra = _LENGTHS[code]
    _add_symbol(out, 257 + code)
    out.add(length - base, extra)
    code = max(i for i, (base, _) in enumerate(_DISTANCES) if base <= distance)
    base, extra = _DISTANCES[code]
    out.add_code(code, 5)
    out.add(distance - base, extra)
