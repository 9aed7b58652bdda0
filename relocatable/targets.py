"""CPU profiles: what the compiler is told of each, and what a blob's variant then needs."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from relocatable.blob.blob import FAMILY_AARCH64, FAMILY_CORTEX_M, FAMILY_X86_64

# enum xn_level and xn_feature of include/xn_blob.h.
LEVEL_V6M, LEVEL_V7M, LEVEL_V8M, LEVEL_V81M = 60, 70, 80, 81
DSP, FP32, FP64, MVE_I, MVE_F = 1, 2, 4, 8, 16


@dataclass(frozen=True)
class Target:
    """A kind of CPU that code is compiled for.

    Attributes:
        name: as the user writes it, such as "cortex-m55".
        triple: Clang's target.
        mcpu: Clang's CPU, with extensions that kernels may use.
        family: enum xn_family.
        level: enum xn_level; 0 outside Cortex-M.
        features: enum xn_feature that the code needs, or-ed; 0 outside Cortex-M.
        flags: further compiler flags, for code that runs at any address.
        zig_target: Zig's name of the target, for the compiler's runtime library.
        zig_cpu: Zig's name of the CPU.
    """

    name: str
    triple: str
    mcpu: str
    family: int
    level: int
    features: int
    flags: tuple[str, ...]
    zig_target: str
    zig_cpu: str

    def has(self, feature: int) -> bool:
        """Whether kernels may use a feature, such as DSP."""
        return self.features & feature == feature


def host_family() -> int:
    """The family of this machine's CPU; 0 where it has none."""
    machine = platform.machine().lower()
    if machine in ("x86_64", "amd64"):
        return FAMILY_X86_64
    return FAMILY_AARCH64 if machine in ("aarch64", "arm64") else 0


def find_target(name: str) -> Target:
    """The target of a name.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    if name not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}; is {name!r}")
    return TARGETS[name]


def _cortex_m(
    name: str, triple: str, level: int, features: int, zig_cpu: str, extensions: str = ""
) -> Target:
    hard = features & FP32
    return Target(
        name=name,
        triple=triple,
        mcpu=name + extensions,
        family=FAMILY_CORTEX_M,
        level=level,
        features=features,
        flags=("-mfloat-abi=hard" if hard else "-mfloat-abi=soft", "-fropi"),
        zig_target="thumb-freestanding-eabihf" if hard else "thumb-freestanding-eabi",
        zig_cpu=zig_cpu,
    )


def _host() -> Target:
    flags: tuple[str, ...] = ("-fpie", "-fvisibility=hidden")
    if host_family() == FAMILY_AARCH64:
        # Tiny: PC-relative without the 4 KB granularity of adrp. x18 belongs to macOS.
        flags += ("-mcmodel=tiny", "-ffixed-x18")
        triple, mcpu, zig_target = "aarch64-none-elf", "generic", "aarch64-freestanding-none"
        family = FAMILY_AARCH64
    else:
        triple, mcpu, zig_target = "x86_64-none-elf", "x86-64", "x86_64-freestanding-none"
        family = FAMILY_X86_64
    return Target("host", triple, mcpu, family, 0, 0, flags, zig_target, "baseline")


# MVE's float instructions flush subnormal numbers to zero, others do not: without them float
# results are the same on every target.
TARGETS: dict[str, Target] = {
    t.name: t
    for t in (
        _cortex_m("cortex-m0plus", "thumbv6m-none-eabi", LEVEL_V6M, 0, "cortex_m0plus"),
        _cortex_m("cortex-m3", "thumbv7m-none-eabi", LEVEL_V7M, 0, "cortex_m3"),
        _cortex_m(
            "cortex-m4", "thumbv7em-none-eabihf", LEVEL_V7M, DSP | FP32, "cortex_m4+vfp4d16sp"
        ),
        _cortex_m(
            "cortex-m7",
            "thumbv7em-none-eabihf",
            LEVEL_V7M,
            DSP | FP32 | FP64,
            "cortex_m7+fp_armv8d16",
        ),
        _cortex_m(
            "cortex-m33",
            "thumbv8m.main-none-eabihf",
            LEVEL_V8M,
            DSP | FP32,
            "cortex_m33+fp_armv8d16sp",
        ),
        _cortex_m(
            "cortex-m55",
            "thumbv8.1m.main-none-eabihf",
            LEVEL_V81M,
            DSP | FP32 | FP64 | MVE_I,
            "cortex_m55+mve+fp_armv8d16",
            extensions="+nomve.fp",
        ),
        _host(),
    )
}
