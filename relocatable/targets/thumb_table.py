"""The Thumb instructions that a kernel needs, by their encodings.

An ordered list of bit patterns, as in the Armv8-M Architecture Reference Manual (C2.3, C2.4; the
Armv6-M and Armv7-M instructions are among them): the first pattern that fits an instruction says
what it is. What fits none is refused, as is what fits a pattern of REFUSED. The firmware's loader
holds the same list (`header()` writes it).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """What an instruction is to a scan.

    LITERAL, LITERAL_WIDE and LITERAL_FLOAT read constants that may stand in the code, ADR makes
    their address. What all instructions with one high byte can be is below 16.
    """

    REFUSED = 0
    PLAIN = 1
    ROWS = 2  # in the table by high bytes: more than one of these; ask the rows
    LITERAL = 3
    ADR = 4
    RETURN = 5
    B = 6
    B_IF = 7
    CBZ = 8
    IT = 9
    LITERAL_WIDE = 10
    LITERAL_FLOAT = 11
    B_WIDE = 12
    BL = 13
    B_IF_WIDE = 14
    LOOP_START = 15
    LOOP_END = 16


_PATTERNS: tuple[tuple[Kind, str], ...] = (
    # ---- 16 bits ----
    (Kind.REFUSED, "0100 0100 1... .111"),  # ADD pc
    (Kind.REFUSED, "0100 0110 1... .111"),  # MOV pc
    (Kind.RETURN, "0100 0111 0111 0000"),  # BX lr
    (Kind.REFUSED, "0100 0111 .... ...."),  # BX, BLX, BXNS, BLXNS
    (Kind.LITERAL, "0100 1... .... ...."),  # LDR [pc]
    (Kind.ADR, "1010 0... .... ...."),
    (Kind.CBZ, "1011 .0.1 .... ...."),  # CBZ, CBNZ
    (Kind.REFUSED, "1011 011. .... ...."),  # CPS
    (Kind.REFUSED, "1011 1000 .... ...."),
    (Kind.REFUSED, "1011 1010 10.. ...."),  # HLT
    (Kind.RETURN, "1011 1101 .... ...."),  # POP {.., pc}
    (Kind.REFUSED, "1011 1110 .... ...."),  # BKPT
    (Kind.PLAIN, "1011 1111 0000 0000"),  # NOP
    (Kind.REFUSED, "1011 1111 .... 0000"),  # YIELD, WFE, WFI, SEV
    (Kind.IT, "1011 1111 .... ...."),
    (Kind.REFUSED, "1101 111. .... ...."),  # UDF, SVC
    (Kind.B_IF, "1101 .... .... ...."),
    (Kind.B, "1110 0... .... ...."),
    (Kind.PLAIN, "0... .... .... ...."),
    (Kind.PLAIN, "10.. .... .... ...."),
    (Kind.PLAIN, "110. .... .... ...."),
    # ---- 32 bits: several registers, two registers ----
    (Kind.RETURN, "1110 1000 1011 1101 100. .... .... ...."),  # POP {.., pc}
    (Kind.REFUSED, "1110 100. ..1. 1111 .... .... .... ...."),  # SG; write back to pc
    (Kind.REFUSED, "1110 1000 1001 1111 .... .... .... ...."),  # CLRM
    (Kind.PLAIN, "1110 1000 10.. .... 0.0. .... .... ...."),  # LDM, STM
    (Kind.PLAIN, "1110 1001 00.. .... 0.0. .... .... ...."),  # LDMDB, STMDB
    (Kind.REFUSED, "1110 100. .1.. .... 1111 .... .... ...."),  # LDRD pc
    (Kind.REFUSED, "1110 100. .1.. .... .... 1111 .... ...."),
    (Kind.PLAIN, "1110 1001 .1.. .... .... .... .... ...."),  # LDRD, STRD
    (Kind.PLAIN, "1110 1000 .11. .... .... .... .... ...."),
    # ---- arithmetic with a register ----
    (Kind.PLAIN, "1110 101. .001 .... .... .... .... ...."),  # TST, TEQ, CMN and their like
    (Kind.PLAIN, "1110 1011 1011 .... .... .... .... ...."),  # CMP
    (Kind.REFUSED, "1110 101. .... .... .... 1111 .... ...."),  # to pc
    (Kind.PLAIN, "1110 101. .... .... .... .... .... ...."),
    # ---- floats and vectors: coprocessors 10, 11, 14, 15 and no other ----
    (Kind.REFUSED, "1110 1100 0.1. .... .... 101. .... ...."),  # VLLDM, VLSTM
    (Kind.PLAIN, "1110 110. .01. 1111 ...0 1111 0... ...."),  # VLDRH.32, VSTRH.32, whose base is r7
    (Kind.REFUSED, "1110 110. ..1. 1111 .... 1.1. .... ...."),  # write back to pc
    (Kind.REFUSED, "1110 1100 1.01 1111 .... 101. .... ...."),  # VSCCLRM
    (Kind.REFUSED, "1110 1100 ..1. .... ...0 1111 1... ...."),  # VLDR, VSTR of system registers
    (Kind.REFUSED, "1110 1100 0101 .... 1111 101. .... ...."),  # VMOV pc
    (Kind.REFUSED, "1110 1100 0101 1111 .... 101. .... ...."),
    (Kind.PLAIN, "1110 1101 .1.. .... 1010 1111 1... ...."),  # VLDR, VSTR of P0
    (Kind.REFUSED, "1110 1101 .... .... ...0 1111 1... ...."),
    (Kind.LITERAL_FLOAT, "1110 1101 1.01 1111 .... 101. .... ...."),  # VLDR [pc]
    (Kind.PLAIN, "1110 1110 1111 0001 .... 1010 0001 0000"),  # VMRS FPSCR
    (Kind.PLAIN, "1110 1110 111. 1101 .... 1010 0001 0000"),  # VMRS, VMSR P0
    (Kind.REFUSED, "1110 1110 111. .... .... 1010 ...1 ...."),  # VMRS, VMSR
    (Kind.REFUSED, "1110 1110 ...1 .... 1111 101. ...1 ...."),  # VMOV pc
    (Kind.REFUSED, "111. 1110 .... .... .... 111. ...1 ...."),  # MCR, MRC
    (Kind.PLAIN, "111. 1111 .... .... .... .... .... ...."),  # vectors
    (Kind.PLAIN, "111. 11.. .... .... .... 1.1. .... ...."),
    # ---- arithmetic with a constant; branches ----
    (Kind.PLAIN, "1111 0.0. .001 .... 0... .... .... ...."),  # TST, TEQ, CMN
    (Kind.PLAIN, "1111 0.01 1011 .... 0... .... .... ...."),  # CMP
    (Kind.REFUSED, "1111 0... .... .... 0... 1111 .... ...."),  # to pc
    (Kind.PLAIN, "1111 0... .... .... 0... .... .... ...."),
    (Kind.BL, "1111 0... .... .... 1111 1... .... ...."),  # by at most 4 MB
    (Kind.B_WIDE, "1111 0... .... .... 1011 1... .... ...."),
    (Kind.REFUSED, "1111 0.11 1... .... 10.0 .... .... ...."),  # MSR, MRS, DSB, UDF, hints
    (Kind.B_IF_WIDE, "1111 00.. .... .... 1000 0... .... ...."),  # by at most 256 KB
    (Kind.B_IF_WIDE, "1111 01.. .... .... 1010 1... .... ...."),
    (Kind.LOOP_END, "1111 0000 00.. 1111 1100 .... .... ...1"),  # LE, LETP
    (Kind.LOOP_START, "1111 0000 0... .... 1100 .... .... ...1"),  # WLS, WLSTP
    (Kind.PLAIN, "1111 0000 0... .... 1110 .000 0000 0001"),  # DLS, DLSTP, LCTP, VCTP
    # ---- loads and stores ----
    (Kind.RETURN, "1111 1000 0101 1101 1111 1011 0000 0100"),  # POP {pc}
    (Kind.REFUSED, "1111 100. .... .... 1111 .... .... ...."),  # LDR pc, PLD, PLI
    (Kind.LITERAL_WIDE, "1111 1000 1101 1111 .... .... .... ...."),
    (Kind.PLAIN, "1111 1000 .... .... .... .... .... ...."),
    (Kind.PLAIN, "1111 1001 .0.1 .... .... .... .... ...."),  # LDRSB, LDRSH
    # ---- multiplication, shifts, parallel arithmetic ----
    (Kind.REFUSED, "1111 101. .... .... .... 1111 .... ...."),  # to pc, AUTG, BXAUT
    (Kind.PLAIN, "1111 1010 .... .... 1111 .... .... ...."),
    (Kind.REFUSED, "1111 1011 0110 .... 1111 .... .... ...."),  # PACG
    (Kind.PLAIN, "1111 1011 10.1 .... 1111 .... 1111 ...."),  # SDIV, UDIV
    (Kind.REFUSED, "1111 1011 1... .... 1111 .... .... ...."),  # SMULL pc
    (Kind.PLAIN, "1111 1011 .... .... .... .... .... ...."),
)


@dataclass(frozen=True)
class Row:
    """A pattern: an instruction fits if its bits under the mask are the value's.

    Attributes:
        kind: what it is then.
        mask: of the instruction as a number, its first halfword in front; 16 bits count as that
            halfword and zeros.
        value: the bits that must be there.
    """

    kind: Kind
    mask: int
    value: int


def _row(kind: Kind, pattern: str) -> Row:
    bits = pattern.replace(" ", "").ljust(32, ".")
    mask = int("".join("0" if bit == "." else "1" for bit in bits), 2)
    return Row(kind, mask, int(bits.replace(".", "0"), 2))


ROWS = tuple(_row(kind, pattern) for kind, pattern in _PATTERNS)


def kind_of(first: int, second: int) -> Kind:
    """Tell what an instruction is.

    Args:
        first: its first halfword.
        second: its second one; any number if it has none.
    """
    word = first << 16 | second
    return next((r.kind for r in ROWS if word & r.mask == r.value), Kind.REFUSED)


def is_wide(first: int) -> bool:
    """Tell whether an instruction that begins with this halfword has 32 bits."""
    return first >= 0xE800


def _fits(row: Row, high: int) -> bool:
    """Tell whether an instruction with this high byte can fit a row."""
    return not (row.value ^ high << 24) & row.mask & 0xFF000000


def by_high_byte() -> list[Kind]:
    """Give for each high byte what all such instructions are, or ROWS."""
    table = []
    for high in range(256):
        first = next((r for r in ROWS if _fits(r, high)), None)
        whole = first is not None and not first.mask & 0x00FFFFFF
        table.append(first.kind if first is not None and whole else Kind.ROWS)
    return table


def needed_rows() -> list[Row]:
    """List the rows that the table by high bytes does not make needless."""
    asked = [high for high, kind in enumerate(by_high_byte()) if kind == Kind.ROWS]
    return [row for row in ROWS if any(_fits(row, high) for high in asked)]
