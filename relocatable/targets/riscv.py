"""RISC-V with 32-bit registers: features, targets."""

from __future__ import annotations

from relocatable.targets.family import Family, Feature, Target

FAMILY = Family(
    number=4,
    name="RV32",
    # BRANCH, JAL, CALL, CALL_PLT, RVC_BRANCH, RVC_JUMP
    calls=frozenset({16, 17, 18, 19, 44, 45}),
    # NONE, PCREL_HI20, PCREL_LO12_I, PCREL_LO12_S, 32_PCREL. ADD32 and SUB32 are refused: each is
    # an address, and nothing shows that two of them form a distance.
    distances=frozenset({0, 23, 24, 25, 57}),
    step_align=2,
    condition="__riscv_xlen == 32",
)

# The bits of the register misa.
A = Feature(FAMILY.number, "RV_A", 1 << 0, "__riscv_atomic")
C = Feature(FAMILY.number, "RV_C", 1 << 2, "__riscv_compressed")
M = Feature(FAMILY.number, "RV_M", 1 << 12, "__riscv_mul")


def _rv32(*extensions: Feature) -> Target:
    letters = [extension.name.removeprefix("RV_").lower() for extension in extensions]
    name = "rv32i" + "".join(letters)
    return Target(
        name=name,
        family=FAMILY,
        flags=(
            *("--target=riscv32-none-elf", f"-march={name}", "-mabi=ilp32"),
            # Relaxation would leave such pairs; small data are reached from a register that nobody
            # sets.
            *("-fpie", "-fvisibility=hidden", "-mcmodel=medany"),
            *("-mno-relax", "-msmall-data-limit=0"),
        ),
        zig_target="riscv32-freestanding-none",
        zig_cpu="+".join(("generic_rv32", *letters)),
        features=extensions,
    )


TARGETS = (_rv32(M, C), _rv32(M, A, C))
