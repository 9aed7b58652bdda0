"""Blobs of a few instructions of Thumb, written by hand: without a compiler."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from relocatable.blob.blob import Blob, Entry, Io, Variant
from relocatable.targets.arm import FAMILY as CORTEX_M

_ARMV6M = 60
_ARENA_BYTES = 64
_OUTPUT_AT = 16

RETURN = struct.pack("<2H", 0x2000, 0x4770)  # movs r0, #0; bx lr
ENDLESS = struct.pack("<H", 0xE7FE)  # b .


def adders(n: int, count: int, stride: int) -> list[bytes]:
    """Make steps of `stride` bytes that set output to input plus n, count times."""
    # ldr r1, [r0]; ldrb r2, [r1] or ldr r2, [r1, #16]; adds r2, #n; str r2, [r1, #16]
    reads = [0x780A] + [0x690A] * (count - 1)
    steps = [struct.pack("<4H", 0x6801, read, 0x3200 | n, 0x610A) + RETURN for read in reads]
    return [step.ljust(stride, b"\0") for step in steps[:-1]] + steps[-1:]


def writer(address: int) -> bytes:
    """Make a step that writes to an address, which is a literal behind the code."""
    # ldr r1, [pc, #4]; str r1, [r1]; movs r0, #0; bx lr; .word address
    return struct.pack("<2H", 0x4901, 0x6009) + RETURN + struct.pack("<I", address)


def code_blob(programs: Sequence[bytes], name: str) -> bytes:
    """Make a blob that runs programs in turn, on an input byte and an output word.

    Args:
        programs: code of the steps, each of at least a halfword.
        name: the model's.
    """
    code, steps = b"", []
    for program in programs:
        steps.append(len(code))
        code += program.ljust((len(program) + 3) // 4 * 4, b"\0")
    code = code.ljust((len(code) + 15) // 16 * 16, b"\0")
    variant = Variant(*(CORTEX_M.number, _ARMV6M, 0, code, b"", tuple(steps), _ARENA_BYTES, 64))
    entry = Entry(0, len(steps))
    return Blob((variant,), (Io(0, 1),), (Io(_OUTPUT_AT, 4),), (entry,), {"name": name}).pack()
