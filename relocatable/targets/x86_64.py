"""Computers with an x86-64: the target "host" there."""

from __future__ import annotations

from relocatable.targets.family import Family, Target

FAMILY = Family(
    number=2,
    name="x86-64",
    # A call, a jump and the place of a value share their types: NONE, PC32, PLT32, PC16, PC8, PC64.
    calls=frozenset({2, 4, 13, 15, 24}),
    distances=frozenset({0}),
    addend_bias=4,  # counts from the end of the instruction
    pushed_bytes=8,  # the return address
    machines=("x86_64", "amd64"),
)

TARGETS = (
    Target(
        name="host",
        family=FAMILY,
        flags=(
            *("--target=x86_64-none-elf", "-march=x86-64", "-fpie", "-fvisibility=hidden"),
            # No stated frame size would count what a function keeps below its stack.
            "-mno-red-zone",
        ),
        zig_target="x86_64-freestanding-none",
        zig_cpu="baseline",
    ),
)
