"""What a scan of Thumb code takes and refuses."""

from __future__ import annotations

import random
import struct

import pytest

from relocatable.targets.thumb_scan import scan
from tools.scan_table import table_header
from tools.tree import ROOT

RETURN = (0x2000, 0x4770)  # movs r0, #0; bx lr


def said(*halfwords: int, steps: tuple[int, ...] = (0,)) -> str:
    halves = (*halfwords, *(0,) * (len(halfwords) % 2))
    return scan(struct.pack(f"<{len(halves)}H", *halves), steps)


REFUSED: dict[str, tuple[int, ...]] = {
    "svc": (0xDF00,),
    "udf": (0xDE00,),
    "udf.w": (0xF7F0, 0xA000),
    "bkpt": (0xBE00,),
    "hlt": (0xBA80,),
    "cpsid i": (0xB672,),
    "msr control": (0xF382, 0x8814),
    "mrs msp": (0xF3EF, 0x8108),
    "msr control_ns": (0xF380, 0x8894),
    "yield": (0xBF10,),
    "wfe": (0xBF20,),
    "wfi": (0xBF30,),
    "sev": (0xBF40,),
    "wfi.w": (0xF3AF, 0x8003),
    "esb": (0xF3AF, 0x8010),
    "bti": (0xF3AF, 0x800F),
    "pacbti": (0xF3AF, 0x800D),
    "aut": (0xF3AF, 0x802D),
    "pacg": (0xFB61, 0xF002),
    "autg": (0xFB51, 0xFF02),
    "bxaut": (0xFB51, 0xFF12),
    "isb": (0xF3BF, 0x8F6F),
    "dsb": (0xF3BF, 0x8F4F),
    "dmb": (0xF3BF, 0x8F5F),
    "clrex": (0xF3BF, 0x8F2F),
    "smc": (0xF7F0, 0x8000),
    "bx r1": (0x4708,),
    "blx r1": (0x4788,),
    "bxns r1": (0x470C,),
    "bxns lr": (0x4774,),
    "blxns r1": (0x478C,),
    "mov pc, r1": (0x468F,),
    "add pc, r1": (0x448F,),
    "ldr pc, [r1]": (0xF8D1, 0xF000),
    "ldm r1, {pc}": (0xE891, 0x8000),
    "ldmdb r1, {pc}": (0xE911, 0x8000),
    "tbb": (0xE8DF, 0xF001),
    "tbh": (0xE8DF, 0xF011),
    "ldrd [pc], #48": (0xE8FF, 0x140C),
    "stm pc!": (0xE8AF, 0x010A),
    "vldmia pc!": (0xECBF, 0x8AD6),
    "vldrb.u8 [pc]!": (0xEDBF, 0x1E04),
    "vstrb.8 [pc]!": (0xEDAF, 0x1E04),
    "vldrh.u16 [pc]!": (0xEDBF, 0x1E84),
    "vstrw.32 [pc], #16": (0xECAF, 0x1F04),
    "sg": (0xE97F, 0xE97F),
    "tt": (0xE841, 0xF000),
    "ttat": (0xE841, 0xF0C0),
    "ldrex": (0xE851, 0x0F00),
    "strex": (0xE841, 0x0200),
    "ldrexb": (0xE8D1, 0x0F4F),
    "lda": (0xE8D1, 0x0FAF),
    "stl": (0xE8C1, 0x0FAF),
    "clrm": (0xE89F, 0x8001),
    "vscclrm": (0xEC9F, 0x0A04),
    "vlstm": (0xEC21, 0x0A00),
    "vlldm": (0xEC31, 0x0A00),
    "vmsr fpscr": (0xEEE1, 0x0A10),
    "vmsr vpr": (0xEEEC, 0x0A10),
    "vmrs fpcxt_s": (0xEEFF, 0x0A10),
    "vstr fpcxt_s": (0xECED, 0xEF81),
    "mcr p15": (0xEE01, 0x0710),
    "mrc p0": (0xEE11, 0x0010),
    "cdp p1": (0xEE01, 0x0100),
    "ldc p2": (0xED91, 0x0200),
    "mcrr p3": (0xEC41, 0x0300),
    "cx1 p0": (0xEE00, 0x0000),
    "cx3a p7": (0xFE80, 0x0740),
    "bf": (0xF040 | 2 << 7, 0xE001),
}


@pytest.mark.parametrize("name", REFUSED)
def test_no_kernel_needs(name: str) -> None:
    halves = REFUSED[name]
    word = halves[0] << 16 | halves[1] if len(halves) == 2 else halves[0]
    assert said(0x2000, *halves, *RETURN) == f"instruction 0x{word:08x} at 2"


TAKEN: dict[str, tuple[int, ...]] = {
    "bx lr": RETURN,
    "pop": (0xB510, 0xBD10),
    "pop.w": (0xE92D, 0x47F0, 0xE8BD, 0x87F0),
    "pop.w of one": (0xF85D, 0xFB04),
    "cmp.w": (0xF1B1, 0x0F05, *RETURN),
    "smlad": (0xFB21, 0x3002, *RETURN),
    "sdiv": (0xFB90, 0xF0F1, *RETURN),
    "vmrs": (0xEEF1, 0xFA10, *RETURN),
    "vmsr p0": (0xEEED, 0x0A10, *RETURN),
    "vldrh.s32 [r7, #8]!": (0xEDBF, 0x0F04, *RETURN),
    "vldrh.u32 [r7], #-8": (0xFC3F, 0xEF04, *RETURN),
    "vstrh.32 [r7], #8": (0xECAF, 0x0F04, *RETURN),
    "vstrh.32 [r7, #8]!": (0xEDAF, 0x0F04, *RETURN),
    "vstrb.32 [r7], #4": (0xECA7, 0x0F04, *RETURN),
    "vldrb.s16 [r7, #8]!": (0xEDB7, 0x0E88, *RETURN),
    "a branch ahead": (0xE000, 0xBF00, *RETURN),
    "a loop": (0x3801, 0xD1FD, *RETURN),
    "for ever": (0xE7FE,),
    "it, bx lr": (0xBF08, 0x4770, *RETURN),
    "a constant": (0x4800, 0x4770, 0xDF00, 0xDF00),
    "a constant behind a filler": (0x4801, 0xBF00, 0x4770, 0xBF00, 0xDF00, 0xDF00),
    "a vector": (0xA000, 0x4770, *(0xDF00,) * 8),
    "what nothing leads to": (*RETURN, 0xDF00, 0xBE00),
    "low-overhead loop": (0xF040, 0xE001, 0x3101, 0xF00F, 0xC003, 0x4770),
}


@pytest.mark.parametrize("name", TAKEN)
def test_kernels_have(name: str) -> None:
    assert said(*TAKEN[name]) == ""


WRONG: dict[str, tuple[tuple[int, ...], tuple[int, ...], str]] = {
    "a branch into an instruction": ((0xE000, 0xF04F, 0x0100, *RETURN), (0,), "entry 0xf04f0100"),
    "a branch back into one": ((0xF04F, 0x0100, 0xE7FD), (0,), "branch 0x0000e7fd at 4"),
    "a step in an instruction": ((0xF04F, 0x0100, *RETURN), (0, 2), "entry 0xf04f0100 at 0"),
    "a branch to a constant": (
        *((0x4801, 0xE001, *RETURN, 0xDF00, 0xDF00), (0,)),
        "entry 0x0000df00 at 8",
    ),
    "a branch out of the code": ((0xE7FD, 0xBF00), (0,), "branch 0x0000e7fd at 0"),
    "a branch far out of it": ((0xF000, 0xF802, *RETURN), (0,), "branch 0xf000f802 at 0"),
    "the end": ((0x2000, 0x2000), (0,), "end 0x00000000 at 4"),
    "an instruction cut off": ((0x2000, 0xF04F), (0,), "instruction 0xf04f0000 at 2"),
    "a constant that is run into": ((0x4800, 0xBF00, 0xDF00, 0xDF00), (0,), "instruction"),
    "a constant behind a return that may not be": (
        *((0x4801, 0xBF08, 0x4770, 0xBF00, 0xDF00, 0xDF00), (0,)),
        "instruction 0x0000df00 at 8",
    ),
    "a branch inside an IT block": ((0xBF04, 0x4770, 0x2000, *RETURN), (0,), "branch 0x00004770"),
    "a step beyond the return": ((*RETURN, 0xDF00, 0xBF00), (0, 4), "instruction 0x0000df00 at 4"),
}


@pytest.mark.parametrize("name", WRONG)
def test_instructions_are_entered_at_their_start(name: str) -> None:
    code, steps, text = WRONG[name]
    assert said(*code, steps=steps).startswith(text)


def test_the_firmware_has_the_same_table() -> None:
    header = ROOT / "device_fw" / "core" / "model" / "xn_scan_table.h"
    assert header.read_text(encoding="utf-8") == table_header()


def test_any_bytes_have_a_verdict() -> None:
    r = random.Random(3)
    for _ in range(2000):
        count = 2 * r.randrange(1, 20)
        said(*(r.getrandbits(16) for _ in range(count)), steps=(2 * r.randrange(count),))
