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


def adder(n: int) -> bytes:
    """Make a step that sets the output to the input plus n."""
    # ldr r1, [r0]; ldrb r2, [r1]; adds r2, #n; strb r2, [r1, #16]
    return struct.pack("<4H", 0x6801, 0x780A, 0x3200 | n, 0x740A) + RETURN


def writer(address: int) -> bytes:
    """Make a step that writes to an address, which is a literal behind the code."""
    # ldr r1, [pc, #4]; str r1, [r1]; movs r0, #0; bx lr; .word address
    return struct.pack("<2H", 0x4901, 0x6009) + RETURN + struct.pack("<I", address)


def code_blob(programs: Sequence[bytes], name: str, size: int = 0) -> bytes:
    """Make a blob whose entry i runs program i, on an input and an output of a byte.

    Args:
        programs: code of the steps, each of at least a halfword.
        name: the model's.
        size: bytes that its weights are filled up with.
    """
    code, steps = b"", []
    for program in programs:
        steps.append(len(code))
        code += program.ljust((len(program) + 3) // 4 * 4, b"\0")
    code = code.ljust((len(code) + 15) // 16 * 16, b"\0")
    variant = Variant(
        *(CORTEX_M.number, _ARMV6M, 0, code, bytes(size), tuple(steps), _ARENA_BYTES, 64)
    )
    entries = tuple(Entry(0, 0, i, 1) for i in range(len(steps)))
    return Blob((variant,), (Io(0, 1),), (Io(_OUTPUT_AT, 1),), entries, {"name": name}).pack()
