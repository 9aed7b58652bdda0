"""Estimate the cycles of a Cortex-M4 from the instructions that it executed.

After the Cortex-M4 Technical Reference Manual (ARM DDI 0439): table 3-1, "Load/store timings"
(3.3.2) and the FPU's table 7-1. Where the manual gives a range: a taken branch refills the pipeline
in 2 cycles (1 to 3), a division takes 7 (2 to 12); where its editions differ (MLA and MLS: 2 or 1)
the slower one counts. Memory answers at once: neither the flash's wait states nor caches are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

REFILL = 2
DIVIDE = 7
_FLOAT = {"vdiv": 14, "vsqrt": 14} | dict.fromkeys(
    ("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms"), 3
)
_REGISTER = re.compile(r"\b(?:[rsd]\d+|sb|sl|fp|ip|sp|lr|pc)\b")
_ONE = re.compile(r"v?(ldr|str)(s?[bh])?$")
_TWO = re.compile(r"(ldr|str)d$")
_MANY = re.compile(r"v?(ldm|stm|push|pop)")
_CONDITION = "eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"
_NO_RESULT = re.compile(rf"(v?cmpe?|cmn|tst|teq|b(l|x|lx|{_CONDITION})?|cbn?z|it[te]*|nop)$")
_TWO_RESULTS = re.compile(r"[su](mull|mlal|maal)")


@dataclass(frozen=True)
class Executed:
    """An instruction, and how often it was executed.

    Attributes:
        address: where it lies.
        size_bytes: 2 or 4.
        text: disassembled, such as "ldr r0, [r1, #4]".
        count: times executed.
        jumps: times that what came next was not the instruction behind it.
        unaligned: further bus accesses that unaligned loads and stores took, in all.
    """

    address: int
    size_bytes: int
    text: str
    count: int
    jumps: int = 0
    unaligned: int = 0

    @cached_property
    def verb(self) -> str:
        """What it does, without width and type: "vadd.f32" is vadd."""
        return self.text.split()[0].partition(".")[0]

    @cached_property
    def is_memory(self) -> bool:
        """It loads or stores."""
        return any(pattern.match(self.verb) for pattern in (_ONE, _TWO, _MANY))

    @property
    def is_float(self) -> bool:
        """It is the FPU's."""
        return self.verb.startswith("v")

    @cached_property
    def registers(self) -> list[str]:
        """All that it names, in order."""
        return _REGISTER.findall(self.text.partition(" ")[2])

    @cached_property
    def address_registers(self) -> set[str]:
        """Of a load or store: what its address is made of."""
        if _MANY.match(self.verb):
            return set(_REGISTER.findall(self.text.partition("{")[0])) or {"sp"}
        return set(_REGISTER.findall(self.text.partition("[")[2]))

    @property
    def updates_base(self) -> bool:
        """Of a load or store of one register: its address register changes."""
        return self.text.endswith("!") or not self.text.endswith("]")

    @cached_property
    def results(self) -> set[str]:
        """Registers that it computes, or loads alone."""
        is_store = self.verb.startswith(("str", "vstr"))
        if is_store or _MANY.match(self.verb) or _NO_RESULT.match(self.verb):
            return set()
        return set(self.registers[: 2 if _TWO_RESULTS.match(self.verb) else 1])

    @property
    def operands(self) -> set[str]:
        """Registers that it needs at once: not the addend of the FPU's VMLA."""
        return set(self.registers[1:] if self.results else self.registers)


def own_cycles(i: Executed) -> int:
    """Cycles of an instruction by itself, no branch taken, all accesses aligned."""
    wide = 2 if re.search(r"\bd\d", i.text) else 1
    if _MANY.match(i.verb):
        return 1 + wide * len(_REGISTER.findall(i.text.partition("{")[2]))
    if _TWO.match(i.verb):
        return 3
    if _ONE.match(i.verb):
        if i.verb.startswith("str") and len(i.address_registers) == 1 and not i.updates_base:
            return 1
        return 1 + wide
    if i.verb == "vmov":
        return 2 if sum(r[0] not in "sd" or r in ("sb", "sl") for r in i.registers) == 2 else 1
    if i.verb in ("mla", "mls"):
        return 2
    if i.verb in ("sdiv", "udiv"):
        return DIVIDE
    return _FLOAT.get(i.verb, 1)


def _pipelines(i: Executed) -> bool:
    return bool(_ONE.match(i.verb)) and not i.is_float and not i.updates_base


def pair_cycles(before: Executed, i: Executed) -> int:
    """Estimate what an instruction takes more, or less, behind another."""
    if i.is_memory and before.results & i.address_registers:
        # What was computed has to go through the registers; what was loaded is there in time if the
        # two do not overlap.
        return 0 if before.is_memory or before.is_float else 1
    if before.is_float and not before.is_memory and before.verb != "vmov":
        return 1 if i.is_float and before.results & i.operands else 0
    overlaps = _pipelines(before) and before.verb.startswith("ldr") and _pipelines(i)
    return -1 if overlaps and own_cycles(i) == 2 else 0


def cycles(code: Iterable[Executed]) -> list[int]:
    """Cycles that each of a run's instructions took, all its executions together.

    Args:
        code: all that were executed, by rising address.
    """
    taken = []
    before = None
    for i in code:
        total = i.count * own_cycles(i) + i.jumps * REFILL + i.unaligned
        if before is not None and before.address + before.size_bytes == i.address:
            total += (before.count - before.jumps) * pair_cycles(before, i)
        taken.append(total)
        before = i
    return taken
