from __future__ import annotations

import pytest

from benchmarks._cortex_m4 import Executed, cycles, own_cycles


def once(*texts: str, size_bytes: int = 2) -> list[Executed]:
    """Instructions one behind the other, each executed once."""
    return [Executed(size_bytes * n, size_bytes, text, 1) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("adds r0, r1, r2", 1),
        ("bic.w r0, r1, r2, asr #31", 1),
        ("smlad r0, r1, r2, r0", 1),
        ("umlal r0, r1, r2, r3", 1),
        ("mla r0, r1, r2, r3", 2),
        ("sdiv r0, r1, r2", 7),
        ("it ge", 1),
        ("nop ", 1),
        ("ldr.w sb, [r5, #8]", 2),
        ("ldrsb r0, [r1], #1", 2),
        ("str r0, [r1, #4]", 1),
        ("strb.w r1, [r7, ip]", 2),
        ("strb r0, [r1], #1", 2),
        ("ldrd r0, r1, [r2]", 3),
        ("strd r0, r1, [r2, #8]!", 3),
        ("ldm.w r1!, {r8, sb, sl, fp}", 5),
        ("push.w {r4, r5, lr}", 4),
        ("bne.w #0x100", 1),
        ("vadd.f32 s0, s1, s2", 1),
        ("vmla.f32 s0, s1, s2", 3),
        ("vdiv.f32 s0, s1, s2", 14),
        ("vsqrt.f32 s0, s1", 14),
        ("vldr s0, [r0]", 2),
        ("vldr d0, [r0]", 3),
        ("vldmia r0!, {s0, s1, s2}", 4),
        ("vpush {d8, d9}", 5),
        ("vmov s0, r0", 1),
        ("vmov r0, r1, d0", 2),
    ],
)
def test_alone(text: str, wanted: int) -> None:
    assert own_cycles(Executed(0, 2, text, 1)) == wanted


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        # The manual's own examples.
        (("ldr r0, [r1]", "ldr r1, [r2]"), 3),
        (("ldr r0, [r1, r2]", "str r0, [r3, #0x14]"), 3),
        (("ldr r0, [r1, r2]", "str r1, [r3, r2]"), 3),
        (("ldr r0, [r1, r5]", "ldr r1, [r2]", "ldr r2, [r3, #4]"), 4),
        # Not so: an address that is being loaded, after a store, around base updates, in pairs.
        (("ldr r0, [r1]", "ldr r2, [r0]"), 4),
        (("str r0, [r1, r2]", "ldr r3, [r4]"), 4),
        (("ldr r0, [r1], #4", "ldr r2, [r3]"), 4),
        (("ldr r2, [r3]", "ldr r0, [r1], #4"), 4),
        (("ldr r0, [r1]", "ldrd r2, r3, [r4]"), 5),
        # An address that is being computed.
        (("adds r0, r0, #4", "ldr r1, [r0]"), 4),
        (("umull r4, r5, r0, r1", "ldm r5, {r0, r1}"), 5),
        (("cmp r0, #4", "ldr r1, [r0]"), 3),
        (("bic r0, r0, #4", "ldr r1, [r2]"), 3),
        # What the FPU computes is there a cycle later, for sums in time.
        (("vmul.f32 s0, s1, s2", "vadd.f32 s3, s3, s0"), 3),
        (("vmul.f32 s0, s1, s2", "vstr s0, [r0]"), 4),
        (("vmul.f32 s0, s1, s2", "vadd.f32 s3, s3, s4"), 2),
        (("vmul.f32 s0, s1, s2", "vmla.f32 s0, s3, s4"), 4),
        (("vmul.f32 s0, s1, s2", "vmov r0, s0"), 3),
        (("vldr s0, [r0]", "vadd.f32 s3, s3, s0"), 3),
    ],
)
def test_one_behind_the_other(texts: tuple[str, ...], wanted: int) -> None:
    assert sum(cycles(once(*texts))) == wanted


def test_a_loop() -> None:
    code = [
        Executed(0, 2, "movs r0, #9", 1),
        Executed(2, 2, "ldr r1, [r2]", 10),
        Executed(4, 2, "ldr r3, [r4]", 10),
        Executed(6, 2, "bne #2", 10, jumps=9),
        Executed(8, 2, "bx lr", 1, jumps=1),
    ]
    assert cycles(code) == [1, 20, 10, 10 + 9 * 2, 1 + 2]


def test_only_what_is_behind_overlaps() -> None:
    # The second load comes behind the first in 3 of 10 cases: the other 7 jump to it.
    near = [Executed(0, 2, "ldr r0, [r1]", 3), Executed(2, 2, "ldr r2, [r3]", 10)]
    far = [Executed(0, 2, "ldr r0, [r1]", 3), Executed(4, 2, "ldr r2, [r3]", 10)]
    assert cycles(near) == [6, 17]
    assert cycles(far) == [6, 20]


def test_unaligned() -> None:
    assert cycles([Executed(0, 2, "ldr r0, [r1]", 4, unaligned=6)]) == [14]
