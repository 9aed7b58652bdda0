"""Imports point one way: which room may import which, and no module itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Room of host_sdk -> the rooms that it may import; "host_sdk" itself is the top.
ALLOWED = {
    "display": set(),
    "errors": {"display"},
    "media": {"errors"},
    "converting": {"errors", "display"},
    "transports": {"errors", "display", "media"},
    "link": {"errors", "transports", "display"},
    "store": {"errors", "link", "display"},
    "scripting": {"errors", "link", "display"},
    "inference": {"errors", "link", "display", "converting"},
    "streams": {"errors", "link", "display", "inference", "media"},
    "collect": {"errors", "display", "inference", "media", "streams"},
    "validation": {"errors", "link", "display", "inference"},
    "capsule": {"errors", "display", "inference", "validation"},
    "flashing": {"errors", "display", "device", "transports"},
    "sbom": {"errors", "flashing", "host_sdk"},
    "selftest": {"errors", "link", "store", "display", "device"},
    "trust": {"errors", "link", "store", "display"},
    "connection": {"errors", "link", "display", "scripting", "transports", "trust"},
}
ALLOWED["bundle"] = {"errors", "link", "store", "inference"}
ALLOWED["device"] = set(ALLOWED)
ALLOWED["quantizing"] = {"errors", "display", "inference", "validation", "device"}
ALLOWED["fleet"] = {*ALLOWED["device"], "device"}
ALLOWED["training"] = {"errors", "display", "inference", "quantizing", "validation", "device"} | {
    *("store", "transports")
}
ALLOWED["cli"] = {*ALLOWED["fleet"], "fleet", "flashing", "sbom", "selftest", "host_sdk"} | {
    "quantizing"
}

# The same for the compiler, in the order of the data's way.
COMPILER = {
    "refusal": set(),
    "errors": {"refusal"},
    "targets": set(),
    "graph": {"errors"},
    "steps": {"graph"},
    "limits": {"errors", "graph", "steps"},
    "ops": {"errors", "targets", "graph", "steps"},
    "passes": {"errors", "graph", "limits", "ops"},
    "support": {"errors", "graph", "limits", "ops", "passes", "refusal"},
    "explicit_states": {"errors", "graph", "limits", "ops"},
    "read_tflite": {"errors", "explicit_states", "graph", "limits", "ops", "support"},
    "blob": {"errors", "targets", "graph", "steps"},
    "front_ends": {"errors", "graph", "ops"},
    "heads": {"errors", "graph", "ops", "steps", "blob", "front_ends"},
    "schedule": {"errors", "graph", "ops", "steps"},
    "codegen": {"errors", "targets", "graph", "steps", "schedule"},
}
COMPILER["compile"] = set(COMPILER)
COMPILER["export"] = {"errors", "targets", "blob"}


@cache
def modules(package: str) -> Mapping[str, frozenset[str]]:
    """Name of a module -> what it imports."""
    paths = [p for p in (ROOT / package).rglob("*.py") if "micropython" not in p.parts]
    names = {p: ".".join(p.relative_to(ROOT).with_suffix("").parts) for p in paths}
    known = {n.removesuffix(".__init__"): p for p, n in names.items()}
    return {n: frozenset(imports(ast.parse(p.read_text()), set(known))) for n, p in known.items()}


def imports(tree: ast.AST, known: set[str]) -> Iterator[str]:
    """Yield the modules that a file imports anywhere, under TYPE_CHECKING too."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                inner = {f"{module}.{alias.name}" for alias in node.names} & known
                yield from inner or {module}


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def used_rooms(package: str, name: str) -> set[str]:
    """Name the rooms of a package that one of its rooms imports."""
    return {
        room(imported)
        for module, used in modules(package).items()
        for imported in used
        if room(module) == name and imported.split(".")[0] == package
    }


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_rooms_of_the_sdk_import_what_they_may(name: str) -> None:
    assert used_rooms("host_sdk", name) - {name} <= ALLOWED[name]


@pytest.mark.parametrize("name", sorted(COMPILER))
def test_rooms_of_the_compiler_import_what_they_may(name: str) -> None:
    assert used_rooms("relocatable", name) - {name} <= COMPILER[name]


def test_every_room_is_in_the_table() -> None:
    assert {room(m) for m in modules("host_sdk")} == {*ALLOWED, "host_sdk"}
    assert {room(m) for m in modules("relocatable")} == {*COMPILER, "relocatable"}


def test_the_compiler_knows_no_device() -> None:
    used = {i.split(".")[0] for used in modules("relocatable").values() for i in used}
    assert not used & {"host_sdk", "device_fw"}


@pytest.mark.parametrize("package", ["host_sdk", "relocatable"])
def test_no_module_imports_itself_by_a_detour(package: str) -> None:
    # The package's own lazy names are imported when they are used.
    used = {m: i for m, i in modules(package).items() if m != package}
    graph = {m: i & set(used) - {m} for m, i in used.items()}
    TopologicalSorter(graph).prepare()
