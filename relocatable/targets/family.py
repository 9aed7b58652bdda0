"""Families of CPUs, their features and the targets within them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """An extension of an architecture that code may need.

    Attributes:
        family: number of the family that it belongs to.
        name: as in XN_FEATURE_<name> of xn_blob.h.
        bit: its value in a variant's features.
        condition: holds in `#if` of C compiled for a CPU that has it.
    """

    family: int
    name: str
    bit: int
    condition: str = "1"


@dataclass(frozen=True)
class Family:
    """A family of CPUs: its calls, and its relocations in a linked image.

    Attributes:
        number: XN_FAMILY_<name> of xn_blob.h.
        name: as in SPEC-blob.md.
        calls: relocation types of calls and jumps whose value is a distance within the image.
        distances: the other relocation types whose value is a distance within the image.
        addend_bias: what a call's addend lacks: it counts from where the CPU says it stands.
        mode_bits: bits of a function's address that select an instruction set.
        step_align: what every step's offset in the code is a multiple of.
        pushed_bytes: what a call pushes on the stack before the callee's own frame.
        machines: names that the operating system gives to such a computer, in lower case.
        intrinsics: C header of the family, included ahead of each program; relative to the package.
        scan: says what of a program's code, given with the offsets of its steps, no kernel has; ""
            if there is nothing. None: code of the family is not scanned.
        condition: holds in `#if` of C compiled for such a CPU, with `level` to be filled in.
    """

    number: int
    name: str
    calls: frozenset[int]
    distances: frozenset[int]
    addend_bias: int = 0
    mode_bits: int = 0
    step_align: int = 1
    pushed_bytes: int = 0
    machines: tuple[str, ...] = ()
    intrinsics: str | None = None
    scan: Callable[[bytes, Sequence[int]], str] | None = None
    condition: str = "1"


@dataclass(frozen=True)
class Target:
    """A kind of CPU to compile for.

    Attributes:
        name: as the user writes it, such as "cortex-m55".
        family: its architecture.
        flags: Clang's flags for the CPU, and for code that runs at any address.
        zig_target: Zig's name of the target, for the compiler's runtime library.
        zig_cpu: Zig's name of the CPU.
        level: architecture level within the family: code of a lower one runs on a higher one.
        features: what the code needs, and kernels may use.
        has_vectors: kernels make many products at a time.
        without_constants: Clang's flags for code with no constants between its instructions; empty
            if there are none such.
    """

    name: str
    family: Family
    flags: tuple[str, ...]
    zig_target: str
    zig_cpu: str
    level: int = 0
    features: tuple[Feature, ...] = ()
    has_vectors: bool = False
    without_constants: tuple[str, ...] = ()

    @property
    def feature_bits(self) -> int:
        """The features as a variant of a blob states them."""
        return sum(feature.bit for feature in self.features)

    def has(self, feature: Feature) -> bool:
        """Tell whether kernels may use a feature, such as `arm.DSP`."""
        return feature in self.features
