"""Arm Cortex-M: levels, features, targets."""

from __future__ import annotations

from relocatable.targets.family import Family, Feature, Target
from relocatable.targets.thumb_scan import scan

FAMILY = Family(
    number=1,
    name="Cortex-M",
    # THM_CALL, THM_JUMP24, THM_JUMP19, THM_JUMP11
    calls=frozenset({10, 30, 51, 102}),
    # NONE, REL32, THM_PC8, PREL31, THM_MOVW_PREL_NC, THM_MOVT_PREL, THM_ALU_PREL_11_0, THM_PC12,
    # VTENTRY, THM_BF16, THM_BF12, THM_BF18
    distances=frozenset({0, 3, 11, 42, 49, 50, 53, 54, 100, 136, 137, 138}),
    mode_bits=1,  # Thumb
    step_align=2,
    intrinsics="targets/arm.h",
    scan=scan,
    condition="__ARM_ARCH * 10 >= {level} - 1",  # 8 is 80 and 81
)

# enum xn_level of xn_blob.h.
LEVEL_V6M, LEVEL_V7M, LEVEL_V8M, LEVEL_V81M = 60, 70, 80, 81

DSP = Feature(FAMILY.number, "DSP", 1, "__ARM_FEATURE_DSP")
FP32 = Feature(FAMILY.number, "FP32", 2, "__ARM_FP & 4")
FP64 = Feature(FAMILY.number, "FP64", 4, "__ARM_FP & 8")
MVE_I = Feature(FAMILY.number, "MVE_I", 8, "__ARM_FEATURE_MVE & 1")
MVE_F = Feature(FAMILY.number, "MVE_F", 16, "__ARM_FEATURE_MVE & 2")

# Where Clang 22 makes loads by lanes of a loop's strided reads, it may multiply the counter of the
# loop around it and not its end: rows of a window are then left out.
_NO_GATHERS = ("-mllvm", "-enable-arm-maskedgatscat=false")


def _cortex_m(
    name: str,
    triple: str,
    level: int,
    zig_cpu: str,
    *features: Feature,
    extensions: str = "",
) -> Target:
    is_hard = FP32 in features
    return Target(
        name=name,
        family=FAMILY,
        flags=(
            *(f"--target={triple}", f"-mcpu={name}{extensions}"),
            *("-mfloat-abi=hard" if is_hard else "-mfloat-abi=soft", "-fropi"),
            *(_NO_GATHERS if MVE_I in features else ()),
        ),
        zig_target="thumb-freestanding-eabihf" if is_hard else "thumb-freestanding-eabi",
        zig_cpu=zig_cpu,
        level=level,
        features=features,
        has_vectors=MVE_I in features,
        without_constants=("-mexecute-only",) if level > LEVEL_V6M else (),
    )


TARGETS = (
    _cortex_m("cortex-m0plus", "thumbv6m-none-eabi", LEVEL_V6M, "cortex_m0plus"),
    _cortex_m("cortex-m3", "thumbv7m-none-eabi", LEVEL_V7M, "cortex_m3"),
    _cortex_m(
        *("cortex-m4", "thumbv7em-none-eabihf", LEVEL_V7M, "cortex_m4+vfp4d16sp"),
        *(DSP, FP32),
    ),
    _cortex_m(
        *("cortex-m7", "thumbv7em-none-eabihf", LEVEL_V7M, "cortex_m7+fp_armv8d16"),
        *(DSP, FP32, FP64),
    ),
    _cortex_m(
        *("cortex-m33", "thumbv8m.main-none-eabihf", LEVEL_V8M, "cortex_m33+fp_armv8d16sp"),
        *(DSP, FP32),
    ),
    # MVE's float instructions flush subnormal numbers to zero, others do not: without them float
    # results are the same on every target.
    _cortex_m(
        *("cortex-m55", "thumbv8.1m.main-none-eabihf", LEVEL_V81M, "cortex_m55+mve+fp_armv8d16"),
        *(DSP, FP32, FP64, MVE_I),
        extensions="+nomve.fp",
    ),
)
