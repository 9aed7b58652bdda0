"""Programs that try to leave a step, of every kind of instruction."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

from relocatable.blob.blob import Blob, Entry, Io, Variant
from relocatable.targets.arm import FAMILY as CORTEX_M

RETURN = struct.pack("<2H", 0x2000, 0x4770)  # movs r0, #0; bx lr
ADD_ONE = struct.pack("<4H", 0x6801, 0x780A, 0x3201, 0x740A) + RETURN  # arena[16] = arena[0] + 1

# Ways out of an exception or of the Secure state, places of the boards, edges.
VALUES = (
    *(0xFFFFFFA0, 0xFFFFFFB0, 0xFFFFFFB8, 0xFFFFFFBC, 0xFFFFFFE1, 0xFFFFFFE9, 0xFFFFFFED),
    *(0xFFFFFFF1, 0xFFFFFFF9, 0xFFFFFFFD, 0xFFFFFFFF, 0xFEFFFFFE, 0xFEFFFFFF),
    *(0, 1, 4, 0x400, 0x401, 0x10000000, 0x10000401, 0x20000000, 0x20000001, 0x20010000),
    *(0x21000000, 0x21000041, 0x30000000, 0x40004000, 0x60000000, 0x60000041, 0x80000000),
    *(0xE000E010, 0xE000ED00, 0xE000ED14, 0xE000ED94, 0xE002ED00, 0xE000EDFC, 0xEFFFF000),
)

Make = Callable[[random.Random], Sequence[int]]


def _low(r: random.Random) -> int:
    return r.randrange(8)


def _any(r: random.Random) -> int:
    return r.randrange(16)


# The halfwords of each instruction, with random registers and fields.
ATTACKS: dict[str, Make] = {
    "SVC": lambda r: (0xDF00 | r.randrange(256),),
    "UDF": lambda r: (0xDE00 | r.randrange(256),),
    "UDF.W": lambda r: (0xF7F0 | _any(r), 0xA000 | r.randrange(4096)),
    "SMC": lambda r: (0xF7F0 | _any(r), 0x8000),
    "BKPT": lambda r: (0xBE00 | r.randrange(256),),
    "HLT": lambda r: (0xBA80 | r.randrange(64),),
    "CPS": lambda r: (0xB660 | r.randrange(32),),
    "SETEND": lambda r: (0xB650 | r.randrange(16),),
    "hint": lambda r: (0xBF00 | r.randrange(16) << 4,),
    "hint.W": lambda r: (0xF3AF, 0x8000 | r.randrange(256)),
    "BX": lambda r: (0x4700 | _any(r) << 3,),
    "BLX": lambda r: (0x4780 | _any(r) << 3,),
    "BXNS": lambda r: (0x4704 | _any(r) << 3,),
    "BLXNS": lambda r: (0x4784 | _any(r) << 3,),
    "MOV pc": lambda r: (0x4687 | _any(r) << 3,),
    "ADD pc": lambda r: (0x4487 | _any(r) << 3,),
    "MOV sp": lambda r: (0x4685 | _any(r) << 3,),
    "LDR pc": lambda r: (0xF8D0 | _any(r), 0xF000 | r.randrange(64)),
    "LDM pc": lambda r: (0xE890 | r.randrange(2) << 5 | _any(r), 0x8000 | r.randrange(1 << 13)),
    "POP pc": lambda r: (0xBD00 | r.randrange(256),),
    "TBB": lambda r: (0xE8D0 | _any(r), 0xF000 | r.randrange(2) << 4 | _any(r)),
    "MSR": lambda r: (0xF380 | _any(r), 0x8000 | r.randrange(1, 16) << 8 | r.randrange(256)),
    "MRS": lambda r: (0xF3EF, 0x8000 | _any(r) << 8 | r.randrange(256)),
    "barrier": lambda r: (0xF3BF, 0x8F00 | r.randrange(256)),
    "SG": lambda r: (0xE97F, 0xE97F),
    "TT": lambda r: (0xE840 | _any(r), 0xF000 | _any(r) << 8 | r.randrange(4) << 6),
    "LDREX": lambda r: (0xE850 | _any(r), _any(r) << 12 | 0x0F00 | r.randrange(256)),
    "STREX": lambda r: (0xE840 | _any(r), r.randrange(1 << 16)),
    "LDA, STL": lambda r: (0xE8C0 | r.randrange(2) << 4 | _any(r), r.randrange(1 << 16)),
    "CLRM": lambda r: (0xE89F, r.randrange(1 << 16)),
    "VSCCLRM": lambda r: (0xEC9F | r.randrange(2) << 6, 0x0A00 | r.randrange(512)),
    "VLSTM": lambda r: (0xEC20 | _any(r), 0x0A00 | r.randrange(2) << 7),
    "VLLDM": lambda r: (0xEC30 | _any(r), 0x0A00 | r.randrange(2) << 7),
    "VMSR": lambda r: (0xEEE0 | _any(r), 0x0A10 | _any(r) << 12),
    "VMRS": lambda r: (0xEEF0 | _any(r), 0x0A10 | _any(r) << 12),
    "FPCXT": lambda r: (0xEC20 | r.randrange(16) << 4 | _any(r), 0x0F80 | r.randrange(1 << 16)),
    "VSTM": lambda r: (0xEC80 | r.randrange(8) << 4 | _any(r), 0x0A00 | r.randrange(512)),
    "coprocessor": lambda r: (0xEC00 | r.randrange(1 << 10), r.randrange(1 << 16)),
    "coprocessor 2": lambda r: (0xFC00 | r.randrange(1 << 10), r.randrange(1 << 16)),
    "PAC": lambda r: (0xFB50 | r.randrange(2) << 4 | _any(r), 0xF000 | r.randrange(4096)),
    "loop": lambda r: (0xF000 | r.randrange(128), 0xC001 | r.randrange(1 << 13)),
    "BF": lambda r: (0xF040 | r.randrange(1 << 10), 0xC001 | r.randrange(1 << 14)),
    "IT": lambda r: (0xBF00 | r.randrange(256),),
    "LDM": lambda r: (0xE880 | r.randrange(1 << 8), r.randrange(1 << 16)),
    "store": lambda r: (0x6000 | r.randrange(1 << 11),),
    "load": lambda r: (0x6800 | r.randrange(1 << 11),),
    "push": lambda r: (0xB400 | r.randrange(1 << 9),),
    "random": lambda r: (r.randrange(1 << 16), r.randrange(1 << 16)),
}


def set_register(register: int, value: int) -> bytes:
    """Make the code that puts a number into a register: movw, movt."""
    code = b""
    for base, half in ((0xF240, value & 0xFFFF), (0xF2C0, value >> 16)):
        first = base | half >> 11 << 10 & 0x400 | half >> 12
        code += struct.pack("<2H", first, (half >> 8 & 7) << 12 | register << 8 | half & 0xFF)
    return code


def attack(r: random.Random, name: str) -> bytes:
    """Make a program around an instruction of ATTACKS."""
    code = b""
    for _ in range(r.randrange(4)):
        code += set_register(r.choice((0, 1, 2, 3, 7, 12, 14)), r.choice(VALUES))
    for one in (name, *r.choices(list(ATTACKS), k=r.randrange(3))):
        halves = ATTACKS[one](r)
        code += struct.pack(f"<{len(halves)}H", *halves)
    return code + RETURN


def words(r: random.Random) -> bytes:
    """Make a program of one random word."""
    return struct.pack("<I", r.getrandbits(32)) + RETURN


def blob_of(programs: Sequence[bytes]) -> bytes:
    """Make a blob whose entry i runs program i; entry 0 adds one."""
    code, steps = b"", []
    for program in (ADD_ONE, *programs):
        steps.append(len(code))
        code += program.ljust((len(program) + 3) // 4 * 4, b"\0")
    variant = Variant(CORTEX_M.number, 60, 0, code, b"", tuple(steps), 64, 64)
    entries = tuple(Entry(0, 0, i, 1) for i in range(len(steps)))
    return Blob((variant,), (Io(0, 1),), (Io(16, 1),), entries, {"name": "attacks"}).pack()
