"""Cycles of one inference on a Cortex-M4, estimated: the guard beside the counted
instructions.

QEMU counts how often each instruction of the blob is executed, where branches go, and which loads
and stores are unaligned; the Cortex-M4 Technical Reference Manual (ARM DDI 0439, tables 3-1 and
7-1, section 3.3.2) says what each takes: a load 2 cycles, or 1 where it overlaps with a load
before it, a load of N registers 1 + N, a taken branch 1 + 2, an address that the instruction before
computes 1 more, and so on (`benchmarks/_cortex_m4.py`). The flash's wait states and caches are left
out: a board whose flash does not keep up is slower. Heads are left out; inputs are zeros. A model
that is absent is left out.

The last column is the share of the cycles that loads and stores take. The plugin is written for
QEMU 7.2 (plugin API 1).
"""

from __future__ import annotations

from benchmarks._cortex_m4 import Executed, cycles
from benchmarks._counter import count
from benchmarks.instructions import MODELS, TFLM
from host_sdk.inference.profile import Profile
from relocatable import compile_model

CPU = "cortex-m4"


def table() -> str:
    """Write the Markdown table."""
    lines = [
        "| model, thousands | instructions | cycles (estimate) | cycles per instruction "
        "| cycles per MAC | in loads and stores |",
        "|---|" + "--:|" * 5,
    ]
    for name in TFLM:
        path = MODELS / f"{name}.tflite"
        if not path.exists():
            continue
        # From bytes: without the head that may lie beside the file.
        blob = compile_model(path.read_bytes(), name=name, target=CPU, golden=False)
        code, profile = count(CPU, blob)
        check(code, profile)
        executed = sum(i.count for i in code)
        by_instruction = cycles(code)
        total = sum(by_instruction)
        memory = sum(n for i, n in zip(code, by_instruction, strict=True) if i.is_memory)
        macs = sum(row.macs for row in profile.rows)
        lines.append(
            f"| {name} | {executed / 1000:,.0f} | {total / 1000:,.0f} | {total / executed:.2f} "
            f"| {total / macs:.2f} | {memory / total:.0%} |"
        )
    return "\n".join(lines)


def check(code: list[Executed], profile: Profile) -> None:
    """Refuse counts that disagree with the board's clock."""
    executed = sum(i.count for i in code)
    beside = 1000 * sum(row.us for row in profile.rows) - executed
    # The clock also counts the firmware's way into each step and out of it, some 400 instructions,
    # and its own interrupts; it is read in whole microseconds.
    if not 0 <= beside <= 1000 * len(profile.rows) + executed // 1000:
        raise RuntimeError(f"{executed} instructions were counted, {beside} more by the clock")
