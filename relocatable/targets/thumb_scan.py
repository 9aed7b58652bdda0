"""Scan Thumb code before it runs: the host's twin of the loader's `xn_scan.c`.

The sweep goes over the code once, instruction by instruction. It knows what is a constant and no
instruction: a word that an instruction before it reads as a literal; and everything from the first
unconditional branch on beyond which neither a step begins nor any branch so far leads.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache

from relocatable.targets.thumb_table import Kind, is_wide, kind_of

# What a compiler or linker puts between functions: NOP, NOP of Armv6-M, zeros, LLD's filler.
FILLERS = (0xBF00, 0x46C0, 0x0000, 0xD4D4)
_VECTOR_WORDS = 4  # that ADR may be the address of
_AHEAD_BYTES = 4096  # how far ahead a constant may be

_ENDS = (Kind.RETURN, Kind.B, Kind.B_WIDE)
_kind = lru_cache(1 << 16)(kind_of)


class _Sweep:
    """The state of one sweep over a program's code."""

    def __init__(self, code: bytes, steps: Sequence[int]) -> None:
        self.halves = struct.unpack(f"<{len(code) // 2}H", code)
        self.end = len(code)
        self.wanted = set(steps)  # where something leads
        self.starts: set[int] = set()  # where an instruction begins
        self.constants: set[int] = set()  # words
        self.reach = max(steps, default=0)
        self.left_in_block = 0  # of an IT
        self.at = 0
        self.ended = True  # nothing runs from the instruction before into this one

    def run(self) -> str:
        """Go to the code's end; return what is refused, "" if nothing is."""
        while not (self.ended and self.reach < self.at):
            if self.at == self.end:
                return self._say("end")
            if refused := self._advance():
                return refused
        return ""

    def _say(self, what: str) -> str:
        first, second = (*self.halves, 0, 0)[self.at // 2 :][:2]
        word = first << 16 | second if is_wide(first) else first
        return f"{what} 0x{word:08x} at {self.at}"

    def _skip(self, size: int) -> str:
        """Pass what is no instruction; something may lead there only if it is one."""
        if self.wanted & set(range(self.at, self.at + size, 2)):
            return self._say("entry")
        self.at += size
        return ""

    def _advance(self) -> str:
        first, second = (*self.halves[self.at // 2 : self.at // 2 + 2], 0)[:2]
        if self.ended and self.at % 4 == 0 and self.at in self.constants:
            return self._skip(4)
        if self.ended and first in FILLERS:
            return self._skip(2)
        size = 4 if is_wide(first) else 2
        kind = _kind(first, second if size == 4 else 0)
        in_block, self.left_in_block = self.left_in_block, max(self.left_in_block - 1, 0)
        if kind == Kind.REFUSED or self.at + size > self.end:
            return self._say("instruction")
        to = _target(kind, self.at, first, second)
        if in_block > 1 and (kind in _ENDS or to is not None):
            return self._say("branch")
        if size == 4 and self.at + 2 in self.wanted:
            return self._say("entry")
        self.starts.add(self.at)
        self.ended = kind in _ENDS and in_block == 0
        if kind == Kind.IT:
            self.left_in_block = 5 - (first & 15 & -(first & 15)).bit_length()
        self.constants.update(_constants(kind, self.at, first, second))
        if to is not None:
            if to not in self.starts if to <= self.at else to >= self.end:
                return self._say("branch")
            self.wanted.add(to)
            self.reach = max(self.reach, to)
        self.at += size
        return ""


def _signed(value: int, bits: int) -> int:
    return value - (value >> bits - 1 << bits)


def _target(kind: Kind, at: int, first: int, second: int) -> int | None:
    """Return where a branch leads; None for what is none."""
    pc, low = at + 4, second & 0x7FF
    match kind:
        case Kind.CBZ:
            return pc + (first >> 3 & 0x40 | first >> 2 & 0x3E)
        case Kind.B_IF:
            return pc + 2 * _signed(first & 0xFF, 8)
        case Kind.B:
            return pc + 2 * _signed(first & 0x7FF, 11)
        case Kind.B_IF_WIDE:
            return pc + 2 * _signed(first << 7 & 0x20000 | (first & 0x3F) << 11 | low, 18)
        case Kind.B_WIDE | Kind.BL:
            return pc + 2 * _signed((first & 0x7FF) << 11 | low, 22)
        case Kind.LOOP_START:
            return pc + _loop_bytes(second)
        case Kind.LOOP_END:
            return pc - _loop_bytes(second)
    return None


def _loop_bytes(second: int) -> int:
    return second << 1 & 0xFFC | second >> 10 & 2


def _constants(kind: Kind, at: int, first: int, second: int) -> range:
    """Return the words behind an instruction that it may read as constants."""
    match kind:
        case Kind.LITERAL:
            ahead, count = first & 0xFF, 1
        case Kind.ADR:
            ahead, count = first & 0xFF, _VECTOR_WORDS
        case Kind.LITERAL_WIDE:
            ahead, count = (second & 0xFFF) // 4, 1
        case Kind.LITERAL_FLOAT:
            ahead, count = second & 0xFF, 2 if second & 0x100 else 1
        case _:
            return range(0)
    here = at & ~3
    start = (at + 4 & ~3) + 4 * ahead
    return range(start, min(start + 4 * count, here + _AHEAD_BYTES), 4)


def scan(code: bytes, steps: Sequence[int]) -> str:
    """Say what of a program's code no kernel needs; "" if there is nothing.

    Args:
        code: its bytes, a multiple of 4 of them.
        steps: the offsets where it is entered, within it and even.
    """
    return _Sweep(code, steps).run()
