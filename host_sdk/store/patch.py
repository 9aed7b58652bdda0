"""New bytes as changes of old ones (docs/SPEC-wire.md, section 7). No I/O.

A retrained model differs from the old one in single bytes all over its weights. A patch says, in
turn, how many bytes stay and by how much the next one changes, as Rice codes whose parameters suit
each block: a weight that moved by one costs about a byte, wherever it is. New bytes are made of
zeros in the same way: small numbers get short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK_BYTES = 256

_PARAMETER_BITS = 4
_RAW, _SAME = 14, 15  # in the place of a block's first parameter
_ESCAPE = 16  # ones in a row; the number follows as it is
_GAP_BITS, _CHANGE_BITS = 9, 8  # of a number that follows as it is
_GAP_PARAMETERS, _CHANGE_PARAMETERS = range(9), range(8)

Bytes8 = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Codes:
    """The shortest code of each block; arrays of an item for each block.

    Attributes:
        k_gap: Rice parameter of the gaps, or _RAW, or _SAME.
        k_change: Rice parameter of the changes.
        bits: of the block.
    """

    k_gap: Numbers
    k_change: Numbers
    bits: Numbers


def make_patch(old: bytes, new: bytes) -> bytes:
    """Make the patch that turns `old` into `new`.

    Args:
        old: as long as `new`.
        new: the bytes wanted.
    """
    a, b = _signed(old, new)
    codes = _choose(a, b)
    out = _BitWriter()
    blocks = zip(codes.k_gap.tolist(), codes.k_change.tolist(), strict=True)
    for block, (k_gap, k_change) in enumerate(blocks):
        part = slice(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)
        _put_block(out, a[part], b[part], k_gap, k_change)
    return out.finish()


def block_bits(old: bytes, new: bytes) -> npt.NDArray[np.int64]:
    """Count the bits of a patch that each block takes.

    Args:
        old: as long as `new`.
        new: the bytes wanted.
    """
    return _choose(*_signed(old, new)).bits


def apply_patch(old: bytes, patch: bytes) -> bytes:
    """Apply a patch as a board does.

    Args:
        old: the bytes that the patch was made for.
        patch: untrusted.

    Raises:
        ValueError: the patch ends too early or too late, or reaches beyond a block.
    """
    reader = _BitReader(patch)
    starts = range(0, len(old), BLOCK_BYTES)
    new = b"".join(_take_block(reader, old[at : at + BLOCK_BYTES]) for at in starts)
    if reader.left >= 8:
        raise ValueError(f"patch must end with its last block; {reader.left} bits are left")
    return new


# ---- Blocks --------------------------------------------------------------------------------------


def _signed(old: bytes, new: bytes) -> tuple[Bytes8, Bytes8]:
    if len(old) != len(new):
        raise ValueError(f"patch must be between equal lengths; is from {len(old)} to {len(new)}")
    return np.frombuffer(old, np.int8), np.frombuffer(new, np.int8)


def _choose(old: Bytes8, new: Bytes8) -> _Codes:
    at = np.flatnonzero(old != new)
    block = at // BLOCK_BYTES
    ends = np.minimum(np.arange(BLOCK_BYTES, len(new) + BLOCK_BYTES, BLOCK_BYTES), len(new))
    sizes = np.diff(ends, prepend=0)
    before = np.maximum(np.concatenate(([-1], at))[:-1], block * BLOCK_BYTES - 1)
    # The last gap reaches the end of the block, which ends it.
    last = np.flatnonzero(np.diff(block, append=-1))
    gaps = np.concatenate((at - before - 1, ends[block[last]] - at[last] - 1))
    in_block = np.concatenate((block, block[last]))
    k_gap, gap_bits = _best(gaps, in_block, len(ends), _GAP_PARAMETERS, _GAP_BITS)
    changes = _changes(old[at], new[at])
    k_change, change_bits = _best(changes, block, len(ends), _CHANGE_PARAMETERS, _CHANGE_BITS)
    coded_bits = gap_bits + change_bits + 2 * _PARAMETER_BITS
    raw_bits = 8 * sizes + _PARAMETER_BITS
    same = np.bincount(block, minlength=len(ends)) == 0
    k_gap = np.where(same, _SAME, np.where(coded_bits > raw_bits, _RAW, k_gap))
    return _Codes(
        k_gap, k_change, np.where(same, _PARAMETER_BITS, np.minimum(coded_bits, raw_bits))
    )


def _best(
    numbers: Numbers, in_block: Numbers, blocks: int, parameters: range, raw_bits: int
) -> tuple[Numbers, Numbers]:
    """Find the Rice parameter that makes each block shortest, and count its bits."""
    sums = []
    for k in parameters:
        quotients = numbers >> k
        bits = np.where(quotients < _ESCAPE, quotients + 1 + k, _ESCAPE + raw_bits)
        sums.append(np.bincount(in_block, bits, blocks))
    return np.argmin(sums, axis=0), np.min(sums, axis=0).astype(np.int64)


def _changes(old: Bytes8, new: Bytes8) -> Numbers:
    by = (new - old).astype(np.int64)  # of int8: it wraps
    return np.where(by < 0, -2 * by, 2 * by - 1) - 1  # 1, -1, 2, -2, ... are 0, 1, 2, 3, ...


def _put_block(out: _BitWriter, old: Bytes8, new: Bytes8, k_gap: int, k_change: int) -> None:
    out.put_bits(k_gap, _PARAMETER_BITS)
    if k_gap == _SAME:
        return
    if k_gap == _RAW:
        out.put_bits(int.from_bytes(new.tobytes(), "little"), 8 * len(new))
        return
    out.put_bits(k_change, _PARAMETER_BITS)
    at = np.flatnonzero(old != new)
    gaps = (np.diff(at, prepend=-1, append=len(new)) - 1).tolist()
    for gap, change in zip(gaps, _changes(old[at], new[at]).tolist(), strict=False):
        out.put_number(gap, k_gap, _GAP_BITS)
        out.put_number(change, k_change, _CHANGE_BITS)
    out.put_number(gaps[-1], k_gap, _GAP_BITS)


def _take_block(reader: _BitReader, old: bytes) -> bytes:
    k_gap = reader.take_bits(_PARAMETER_BITS)
    if k_gap == _SAME:
        return old
    if k_gap == _RAW:
        return reader.take_bits(8 * len(old)).to_bytes(len(old), "little")
    k_change = reader.take_bits(_PARAMETER_BITS)
    new = bytearray(old)
    at = reader.take_number(k_gap, _GAP_BITS)
    while at < len(new):
        change = reader.take_number(k_change, _CHANGE_BITS)
        by = change // 2 + 1
        new[at] = (new[at] + (-by if change & 1 else by)) & 255
        at += 1 + reader.take_number(k_gap, _GAP_BITS)
    if at > len(new):
        raise ValueError(f"patch: gap must end at the block's end, {len(new)}; ends at {at}")
    return bytes(new)


# ---- Bits, the first in the lowest place of the first byte ---------------------------------------


class _BitWriter:
    def __init__(self) -> None:
        self._out = bytearray()
        self._bits = 0
        self._count = 0

    def put_bits(self, value: int, count: int) -> None:
        self._bits |= value << self._count
        self._count += count
        whole = self._count // 8
        self._out += (self._bits & ((1 << 8 * whole) - 1)).to_bytes(whole, "little")
        self._bits >>= 8 * whole
        self._count -= 8 * whole

    def put_number(self, number: int, k: int, raw_bits: int) -> None:
        """Write a Rice code: the quotient as ones, a zero, k bits; large ones as they are."""
        quotient = number >> k
        if quotient < _ESCAPE:
            low = number & ((1 << k) - 1)
            self.put_bits(((1 << quotient) - 1) | low << (quotient + 1), quotient + 1 + k)
        else:
            self.put_bits(((1 << _ESCAPE) - 1) | number << _ESCAPE, _ESCAPE + raw_bits)

    def finish(self) -> bytes:
        if self._count:
            self._out.append(self._bits)
        return bytes(self._out)


class _BitReader:
    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data, "little")
        self.left = 8 * len(data)

    def take_bits(self, count: int) -> int:
        if self.left < count:
            raise ValueError("patch ends before its last block does")
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        self.left -= count
        return value

    def take_number(self, k: int, raw_bits: int) -> int:
        quotient = 0
        while self.take_bits(1):
            quotient += 1
            if quotient == _ESCAPE:
                return self.take_bits(raw_bits)
        return quotient << k | self.take_bits(k)
