"""Computers with an AArch64: the target "host" there."""

from __future__ import annotations

from relocatable.targets.family import Family, Target

FAMILY = Family(
    number=3,
    name="AArch64",
    # TSTBR14, CONDBR19, JUMP26, CALL26
    calls=frozenset({279, 280, 282, 283}),
    # NONE (0 and 256), PREL64, PREL32, PREL16, LD_PREL_LO19, ADR_PREL_LO21
    distances=frozenset({0, 256, 260, 261, 262, 273, 274}),
    machines=("aarch64", "arm64"),
)

TARGETS = (
    Target(
        name="host",
        family=FAMILY,
        flags=(
            *("--target=aarch64-none-elf", "-mcpu=generic", "-fpie", "-fvisibility=hidden"),
            # Tiny: PC-relative without the 4 KB granularity of adrp. x18 belongs to macOS.
            *("-mcmodel=tiny", "-ffixed-x18"),
        ),
        zig_target="aarch64-freestanding-none",
        zig_cpu="baseline",
    ),
)
