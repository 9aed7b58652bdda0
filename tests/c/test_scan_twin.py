"""The board's scan of code and the host's say the same of any program."""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relocatable import compile_model
from relocatable.blob.blob import Blob
from relocatable.targets.thumb_scan import scan
from tools.tree import ROOT

pytestmark = pytest.mark.xdist_group("core")

Program = tuple[bytes, tuple[int, ...]]
# What decides of branches, blocks, constants and the end, besides random halfwords.
ODD = (
    *(0x2000, 0x4770, 0xBF00, 0xBF08, 0xBF04, 0x4800, 0x4C01, 0xA001, 0xE001, 0xE7FE, 0xD001),
    *(0xD1FD, 0xF000, 0xF800, 0xB801, 0x8001, 0xD4D4, 0xED9F, 0x0A02, 0x0B01, 0xF8DF, 0x4004),
    *(0xB108, 0xF04F, 0xF00F, 0xC003, 0xE8BD, 0x8010),
    *(0xECAF, 0xEDBF, 0x0F04, 0x1F04),  # vectors' stores and loads by r7 or pc
)


def packed(halves: list[int]) -> bytes:
    return struct.pack(f"<{len(halves)}H", *halves)


def programs(seed: int = 5, mutated: int = 300, made: int = 5000) -> Iterator[Program]:
    r = random.Random(seed)
    for target in ("cortex-m0plus", "cortex-m4", "cortex-m55"):
        model = ROOT / "examples" / "models" / "shade2.tflite"
        [variant] = Blob.unpack(compile_model(model, target=target, golden=False)).variants
        yield variant.code, variant.steps
        halves = list(struct.unpack(f"<{len(variant.code) // 2}H", variant.code))
        for _ in range(mutated):
            changed = halves.copy()
            changed[r.randrange(len(halves))] = r.choice((r.getrandbits(16), r.choice(halves)))
            yield packed(changed), variant.steps
    for _ in range(made):
        count = 2 * r.choice((2, 4, 8, 32, 150))
        halves = [r.getrandbits(16) if r.random() < 0.2 else r.choice(ODD) for _ in range(count)]
        yield packed(halves), tuple(2 * r.randrange(count) for _ in range(r.randint(1, 3)))


def far_programs() -> Iterator[Program]:
    """Yield programs with branches between the windows of the board."""
    r = random.Random(6)
    for _ in range(60):
        halves = [0xF04F, 0x0100] * 10000 + [0x4770] * 2  # mov.w r1, #0
        for _ in range(r.randint(1, 3)):
            at, to = 2 * r.randrange(9990), r.randrange(19990)
            distance = to - at - 2
            halves[at] = 0xF000 | distance >> 11 & 0x7FF
            halves[at + 1] = 0xF800 | distance & 0x7FF
        yield packed(halves), (0,)


def verdicts(built: Path, cases: list[Program]) -> list[str]:
    """Return what the board notes of each program, "" of what it takes."""
    stream = b"".join(
        struct.pack(f"<II{len(steps)}I", len(code), len(steps), *steps) + code
        for code, steps in cases
    )
    done = subprocess.run([built / "scan_tool"], input=stream, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    lines = [line.partition(" ") for line in done.stdout.decode().splitlines()]
    assert len(lines) == len(cases)
    return ["" if status == "0" else text.partition(": ")[2] for status, _, text in lines]


def test_they_say_the_same(built: Path) -> None:
    cases = list(programs())
    said = verdicts(built, cases)
    assert said == [scan(*case) for case in cases]
    assert said[0] == said[301] == said[602] == ""
    assert said.count("") > 50
    assert {text.split()[0] for text in said if text} == {"instruction", "branch", "entry", "end"}


@pytest.mark.proof("fuzz")
def test_they_say_the_same_of_many(built: Path, record_property: Any) -> None:
    count = 0
    for seed in range(40):
        cases = list(programs(1000 + seed, 300, 5000))
        assert verdicts(built, cases) == [scan(*case) for case in cases], seed
        count += len(cases)
    record_property("figures", f"{count:,} programs scanned by board and host alike")


def test_they_agree_beyond_a_window(built: Path) -> None:
    cases = list(far_programs())
    taken = [not text for text in verdicts(built, cases)]
    assert taken == [not scan(*case) for case in cases]
    assert 5 < sum(taken) < 55
