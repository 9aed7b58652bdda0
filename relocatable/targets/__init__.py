"""CPUs to compile for: a family's module defines its FAMILY and TARGETS."""

from __future__ import annotations

import pkgutil
import platform
from collections.abc import Iterable
from importlib import import_module

from relocatable.targets.family import Family, Feature, Target

__all__ = [
    "FAMILIES",
    "FEATURES",
    "TARGETS",
    "Family",
    "Feature",
    "Target",
    "find_target",
    "find_targets",
    "host_family",
]

_MODULES = [
    module
    for found in pkgutil.iter_modules(__path__)
    if hasattr(module := import_module(f"{__name__}.{found.name}"), "FAMILY")
]

# By number.
FAMILIES: dict[int, Family] = {module.FAMILY.number: module.FAMILY for module in _MODULES}

# What the code of a target can need, in all families.
FEATURES: tuple[Feature, ...] = tuple(
    value for module in _MODULES for value in vars(module).values() if isinstance(value, Feature)
)


def host_family() -> int:
    """Find the number of this machine's family; 0 if it has none."""
    machine = platform.machine().lower()
    return next((n for n, family in FAMILIES.items() if machine in family.machines), 0)


# By name; "host" is this machine, if it has a family.
TARGETS: dict[str, Target] = {
    target.name: target
    for module in _MODULES
    for target in module.TARGETS
    if target.name != "host" or target.family.number == host_family()
}


def find_target(name: str) -> Target:
    """Find a target by its name.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    if name not in TARGETS:
        raise ValueError(f"target must be one of {', '.join(TARGETS)}; is {name!r}")
    return TARGETS[name]


def find_targets(names: str | Iterable[str]) -> list[Target]:
    """Find targets by their names, each once; those first that ask most of a CPU.

    A loader takes the first program that its CPU can run: a Cortex-M55 can run that of an M4, too.

    Raises:
        ValueError: as `find_target`.
    """
    found = dict.fromkeys(map(find_target, [names] if isinstance(names, str) else names))
    return sorted(found, key=lambda t: (-t.level, -t.feature_bits.bit_count()))
