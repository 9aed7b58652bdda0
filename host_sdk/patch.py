"""New bytes as changes of old ones of the same length: docs/SPEC-wire.md, section 7. No I/O.

A retrained model differs from the old one in single bytes all over its weights. A patch says, in
turn, how many bytes stay and by how much the next one changes, as Rice codes whose parameters suit
each block: a weight that moved by one costs about a byte, wherever it lies. Of zeros, new bytes
are made in the same way: small numbers get short.
"""

from __future__ import annotations

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


def make_patch(old: bytes, new: bytes) -> bytes:
    """The patch that makes `new` of `old`; empty where they are the same.

    Args:
        old: as long as `new`.
        new: the bytes wanted.
    """
    if len(old) != len(new):
        raise ValueError(f"patch must be between equal lengths; is from {len(old)} to {len(new)}")
    if old == new:
        return b""
    out = _BitWriter()
    a, b = np.frombuffer(old, np.int8), np.frombuffer(new, np.int8)
    for at in range(0, len(new), BLOCK_BYTES):
        _put_block(out, a[at : at + BLOCK_BYTES], b[at : at + BLOCK_BYTES])
    return out.finish()


def apply_patch(old: bytes, patch: bytes) -> bytes:
    """What a board makes of a patch.

    Args:
        old: the bytes that the patch was made for.
        patch: untrusted.

    Raises:
        ValueError: the patch ends too early or too late, or reaches beyond a block.
    """
    if not patch:
        return old
    reader = _BitReader(patch)
    starts = range(0, len(old), BLOCK_BYTES)
    new = b"".join(_take_block(reader, old[at : at + BLOCK_BYTES]) for at in starts)
    if reader.left >= 8:
        raise ValueError(f"patch must end with its last block; {reader.left} bits are left")
    return new


# ---- Blocks --------------------------------------------------------------------------------------


def _put_block(out: _BitWriter, old: Bytes8, new: Bytes8) -> None:
    at = np.flatnonzero(old != new).astype(np.int64)
    if not len(at):
        out.put_bits(_SAME, _PARAMETER_BITS)
        return
    # The last gap reaches the end of the block, which ends it.
    gaps = np.diff(at, prepend=-1, append=len(new)) - 1
    by = (new[at] - old[at]).astype(np.int64)  # of int8: it wraps
    changes = np.where(by < 0, -2 * by, 2 * by - 1) - 1  # 1, -1, 2, -2, ... are 0, 1, 2, 3, ...
    k_gap, gap_bits = _best(gaps, _GAP_PARAMETERS, _GAP_BITS)
    k_change, change_bits = _best(changes, _CHANGE_PARAMETERS, _CHANGE_BITS)
    if gap_bits + change_bits + _PARAMETER_BITS > 8 * len(new):
        out.put_bits(_RAW, _PARAMETER_BITS)
        out.put_bits(int.from_bytes(new.tobytes(), "little"), 8 * len(new))
        return
    out.put_bits(k_gap, _PARAMETER_BITS)
    out.put_bits(k_change, _PARAMETER_BITS)
    for gap, change in zip(gaps.tolist(), changes.tolist(), strict=False):
        out.put_number(gap, k_gap, _GAP_BITS)
        out.put_number(change, k_change, _CHANGE_BITS)
    out.put_number(int(gaps[-1]), k_gap, _GAP_BITS)


def _best(numbers: Numbers, parameters: range, raw_bits: int) -> tuple[int, int]:
    """The Rice parameter that makes the numbers shortest, and how many bits they are then."""
    lengths = []
    for k in parameters:
        quotients = numbers >> k
        bits = np.where(quotients < _ESCAPE, quotients + 1 + k, _ESCAPE + raw_bits)
        lengths.append(int(bits.sum()))
    best = int(np.argmin(lengths))
    return parameters[best], lengths[best]


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
        """Rice: the quotient as ones, a zero, then k bits; large ones as they are."""
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
