"""What the scan of code takes, as a full disassembler reads it.

That is GNU objdump, which knows the Armv8.1-M architecture with its vectors; releases of capstone
do not. Instructions are made from the scan's own rows and at random.
"""

from __future__ import annotations

import random
import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from relocatable.targets.thumb_scan import _target
from relocatable.targets.thumb_table import ROWS, Kind, is_wide, kind_of

OBJDUMP = "arm-none-eabi-objdump"
# The first knows Helium; the second, coprocessors.
MACHINES = ("armv8.1-m.main", "armv7")

# What kernels may have, without conditions, sizes and widths: arithmetic, loads, stores.
NAMES = """
adc adcs add adds addw and ands asr asrs bfc bfi bic bics cinc cinv cneg clz cmn cmp cset csetm
csel csinc csinv csneg crc32b crc32cb crc32ch crc32cw crc32h crc32w eor eors ldmdb ldmia ldr
ldrb ldrbt ldrd ldrh ldrht ldrsb ldrsbt ldrsh ldrsht ldrt lsl lsll lsls lsr lsrl lsrs asrl mla
mls mov movs movt movw mul muls mvn mvns negs nop orn orns orr orrs pkhbt pkhtb pop push qadd
qadd16 qadd8 qasx qdadd qdsub qsax qsub qsub16 qsub8 rbit rev rev16 revsh ror rors rrx rrxs rsb
rsbs sadd16 sadd8 sasx sbc sbcs sbfx sdiv sel shadd16 shadd8 shasx shsax shsub16 shsub8 smlabb
smlabt smlad smladx smlal smlalbb smlalbt smlald smlaldx smlaltb smlaltt smlatb smlatt smlawb
smlawt smlsd smlsdx smlsld smlsldx smmla smmlar smmls smmlsr smmul smmulr smuad smuadx smulbb
smulbt smull smultb smultt smulwb smulwt smusd smusdx sqrshr sqrshrl sqshl sqshll srshr srshrl
ssat ssat16 ssax ssub16 ssub8 stmdb stmia str strb strbt strd strh strht strt sub subs subw
sxtab sxtab16 sxtah sxtb sxtb16 sxth teq tst uadd16 uadd8 uasx ubfx udiv uhadd16 uhadd8 uhasx
uhsax uhsub16 uhsub8 umaal umlal umull uqadd16 uqadd8 uqasx uqrshl uqrshll uqsax uqshl uqshll
uqsub16 uqsub8 urshr urshrl usad8 usada8 usat usat16 usax usub16 usub8 uxtab uxtab16 uxtah uxtb
uxtb16 uxth dls dlstp lctp
"""
CORE = frozenset(NAMES.split())
SYSTEM = re.compile(r"v(lldm|lstm|scclrm)|v(mrs|msr)")
# Reads of the floats' flags; both ways of the vectors' predicate.
FLAGS = re.compile(r"(\w+, (fpscr|p0|<impl def 0xd>)|(p0|<impl def 0xd>), \w+)$", re.I)
# Has no meaning within the numbers 10, 11, 14, 15, which are the float and the vector unit: it is
# undefined there, and those of other units are refused.
COPROCESSOR = re.compile(r"(mcr|mrc|mcrr|mrrc|ldc|stc|cdp)2?l?")
# A branch ahead of time over 0 halfwords: undefined (C2.4.51, boff).
FUTURE = re.compile(r"bf(x|l|lx|csel)?")
# Of Neon, whose place Helium takes: vectors.
NEON = re.compile(r"(sha1|sha256|aes)[a-z0-9]+")
STORES = re.compile(r"(v?st|fst|push|cm[np]|t(st|eq))")

TARGETS = {
    Kind.B: r"b\.n",
    Kind.B_IF: r"b(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)\.n",
    Kind.CBZ: r"cbn?z",
    Kind.B_WIDE: r"b\.w",
    Kind.BL: r"bl",
    Kind.B_IF_WIDE: r"b(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)\.w",
    Kind.LOOP_START: r"wls(tp\.(8|16|32|64))?",
    Kind.LOOP_END: r"le(tp)?",
}
OTHERS = {
    Kind.LITERAL: re.compile(r"ldr r\d, \[pc[,\]]"),
    Kind.LITERAL_WIDE: re.compile(r"ldr\.w \w+, \[pc[,\]]"),
    Kind.LITERAL_FLOAT: re.compile(r"vldr [sd]\d+, \[pc[,\]]"),
    Kind.ADR: re.compile(r"add r\d, pc, #\d+"),
    Kind.RETURN: re.compile(r"bx lr|pop \{.*pc\}|ldmia\.w sp!, \{.*pc\}|ldr\.w pc, \[sp\], #4"),
}


class Read(NamedTuple):
    """An instruction, and what objdump says of it."""

    at: int
    first: int
    second: int
    name: str
    operands: str

    @property
    def kind(self) -> Kind:
        """What the scan takes it for."""
        return kind_of(self.first, self.second)

    def __str__(self) -> str:
        text = f"{self.kind.name} {self.first:04x} {self.second:04x}"
        return f"{text}: {self.name} {self.operands}"


def taken(wide: int, seed: int) -> Iterator[tuple[int, int]]:
    """Yield what the scan takes: all of 16 bits, and some of 32 by each row; no IT."""
    yield from ((first, 0) for first in range(0xE800) if is_taken(first, 0))
    r = random.Random(seed)
    rows = [row for row in ROWS if is_wide(row.value >> 16) and row.kind != Kind.REFUSED]
    for i in range(wide):
        row = rows[i % len(rows)]
        word = r.getrandbits(32)
        for field in (0, 8, 12, 16):  # of a register: pc
            word |= 15 << field if r.random() < 0.2 else 0
        word = word & ~row.mask | row.value
        if is_taken(word >> 16, word & 0xFFFF):
            yield word >> 16, word & 0xFFFF


def is_taken(first: int, second: int) -> bool:
    """Tell whether the scan takes an instruction that is not IT."""
    return kind_of(first, second) not in (Kind.REFUSED, Kind.IT)


def disassemble(codes: list[tuple[int, int]], folder: Path, machine: str) -> list[Read]:
    """Read instructions as those of an architecture, but those that objdump aborts at."""
    code = bytearray()
    placed = []
    for first, second in codes:
        placed.append((len(code), first, second))
        halves = (first, second) if is_wide(first) else (first,)
        code += struct.pack(f"<{len(halves)}H", *halves)
    path = folder / "code"
    path.write_bytes(code)
    options = ["-b", "binary", "-m", machine, "-M", "force-thumb", "-D", "-z"]
    done = subprocess.run([OBJDUMP, *options, path], capture_output=True, text=True, check=False)
    if done.returncode:
        assert "Assertion" in done.stderr
        half = len(codes) // 2
        parts = (codes[:half], codes[half:]) if half else ()
        return [read for part in parts for read in disassemble(part, folder, machine)]
    lines = (line.split("\t") for line in done.stdout.splitlines())
    texts = {int(line[0].strip(" :"), 16): line[2:] for line in lines if len(line) > 2}
    return [Read(*place, texts[place[0]][0].strip(), operands(texts[place[0]])) for place in placed]


def operands(texts: list[str]) -> str:
    """Give an instruction's operands, and that it is unpredictable or undefined."""
    text = " ".join(texts[1:])
    notes = [n for n in ("UNPREDICTABLE", "UNDEFINED", "undefined", "illegal reg") if n in text]
    return " ".join([text.partition("@")[0].strip(), *notes])


def is_meant(read: Read) -> bool:
    """Tell whether what objdump reads is what its kind stands for."""
    kind = read.kind
    if kind in OTHERS:
        return OTHERS[kind].match(f"{read.name} {read.operands}") is not None
    if kind in TARGETS:
        if "UNPREDICTABLE" in read.operands or FUTURE.fullmatch(read.name):
            return read.operands.startswith("0,") or "UNPREDICTABLE" in read.operands
        to = int(read.operands.split()[-1], 16) % 2**32
        is_there = to == (_target(kind, read.at, read.first, read.second) or 0) % 2**32
        return is_there and re.fullmatch(TARGETS[kind], read.name) is not None
    return is_plain(read)


def is_plain(read: Read) -> bool:
    """Tell whether it only computes, loads or stores, and does not write to pc."""
    if "UNDEFINED" in read.operands or NEON.match(read.name):
        return True
    if COPROCESSOR.fullmatch(read.name):
        return re.match(r"(10|11|14|15),", read.operands) is not None
    if FUTURE.fullmatch(read.name):
        return read.operands.startswith("0,")
    if SYSTEM.fullmatch(read.name):
        return FLAGS.match(read.operands) is not None
    name = re.sub(r"\.[nw]$|\?\?", "", read.name).partition(".")[0]
    if not name.startswith(("v", "fldm", "fstm")) and name not in CORE:
        return False
    if name.startswith(("ldm", "fldm")):
        return re.search(r"pc!|\{.*pc", read.operands) is None
    return STORES.match(name) is not None or not writes_pc(read.operands)


def writes_pc(text: str) -> bool:
    """Tell whether a defined instruction has pc as a first operand, or in a list."""
    if re.search("UNPREDICTABLE|undefined|illegal", text):
        return False
    return re.match(r"pc\b|\w+, pc, \[|.*\bpc\b[^]]*\]!|.*\[pc\],", text) is not None


def check(wide: int, seed: int, folder: Path) -> int:
    """Compare what is taken with what objdump reads; count the instructions."""
    if shutil.which(OBJDUMP) is None:
        pytest.skip(f"needs {OBJDUMP} (Debian: binutils-arm-none-eabi)")
    count = 0
    for machine in MACHINES:
        codes = list(taken(wide, seed))
        reads = disassemble(codes, folder, machine)
        assert len(codes) - len(reads) < 10
        wrong = [f"{machine} {read}" for read in reads if not is_meant(read)]
        assert not wrong, "\n".join(wrong[:40])
        count += len(reads)
    return count


@pytest.mark.heavy
def test_what_is_taken_computes_loads_stores_and_branches_as_the_scan_thinks(
    tmp_path: Path,
) -> None:
    assert check(15_000, 1, tmp_path) > 100_000


@pytest.mark.proof("fuzz")
def test_many_that_are_taken(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    count = sum(check(250_000, seed, tmp_path) for seed in range(6, 10))
    record_property("figures", f"{count:,} instructions read by objdump as the scan does")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (0xDF00, 0),  # svc
        (0x470C, 0),  # bxns r1
        (0x4687, 0),  # mov pc, r0
        (0xB672, 0),  # cpsid i
        (0xBF30, 0),  # wfi
        (0xE97F, 0xE97F),  # sg
        (0xF380, 0x8808),  # msr msp
        (0xEE10, 0x0010),  # mrc p0
        (0xEEE1, 0x0A10),  # vmsr fpscr
        (0xE8D0, 0xF001),  # tbb
        (0xEC21, 0x0A00),  # vlstm
        (0xF85F, 0xF000),  # ldr pc, literal
    ],
)
def test_what_is_refused_would_be_found(first: int, second: int, tmp_path: Path) -> None:
    reads = [disassemble([(first, second)], tmp_path, machine) for machine in MACHINES]
    assert kind_of(first, second) == Kind.REFUSED
    assert not all(is_plain(read) for [read] in reads)
