"""A family of CPUs is one file: added and taken away without touching another."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from relocatable.targets import (
    FAMILIES,
    FEATURES,
    TARGETS,
    arm,
    find_target,
    find_targets,
    host_family,
    riscv,
)
from tests.conftest import ROOT

# As CONTRIBUTING says: another family, which says what differs from RV32.
RV64 = '''"""RISC-V with 64-bit registers."""

from dataclasses import replace

from relocatable.targets import riscv
from relocatable.targets.family import Target

FAMILY = replace(riscv.FAMILY, number=77, name="RV64")

TARGETS = (
    Target(
        name="rv64imac",
        family=FAMILY,
        flags=(
            *("--target=riscv64-none-elf", "-march=rv64imac", "-mabi=lp64"),
            *("-fpie", "-fvisibility=hidden", "-mcmodel=medany"),
            *("-mno-relax", "-msmall-data-limit=0"),
        ),
        zig_target="riscv64-freestanding-none",
        zig_cpu="generic_rv64+m+a+c",
    ),
)
'''
# Another target of a family: no multiplier.
RV32I = "\nTARGETS += (_rv32(),)\n"

COMPILE = """
import sys
from relocatable import Blob, compile_model, targets
from relocatable.targets import TARGETS
assert targets.__file__.startswith(sys.argv[1]), targets.__file__
for name in sys.argv[3:]:
    if name not in TARGETS:
        print(name, "unknown")
        continue
    [variant] = Blob.unpack(compile_model(sys.argv[2], target=name, golden=False)).variants
    print(name, variant.family, variant.features)
"""


def compile_in(tree: Path, *targets: str) -> list[str]:
    """Compile a model in a copy of the package: lines `target family features`."""
    model = ROOT / "examples/models/shade2.tflite"
    command = [sys.executable, "-c", COMPILE, str(tree), str(model), *targets]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "relocatable", tmp_path / "relocatable", ignore=ignored)
    return tmp_path.resolve()


@pytest.mark.heavy
def test_a_family_is_one_file(tree: Path) -> None:
    assert compile_in(tree, "rv64imac") == ["rv64imac unknown"]
    (tree / "relocatable/targets/rv64.py").write_text(RV64)
    assert compile_in(tree, "rv64imac") == ["rv64imac 77 0"]


@pytest.mark.heavy
def test_a_target_is_one_entry(tree: Path) -> None:
    with (tree / "relocatable/targets/riscv.py").open("a") as file:
        file.write(RV32I)
    assert compile_in(tree, "rv32i", "rv32imac") == ["rv32i 4 0", "rv32imac 4 4101"]


@pytest.mark.heavy
def test_nothing_else_needs_a_family(tree: Path) -> None:
    (tree / "relocatable/targets/riscv.py").unlink()
    seen = compile_in(tree, "cortex-m4", "rv32imac")
    assert seen == ["cortex-m4 1 3", "rv32imac unknown"]


def test_no_other_file_names_an_architecture() -> None:
    words = re.compile(
        r"\bEM_[A-Z]|thumb|risc-?v|\brv(32|64)|aarch64|x86|__arm|__ARM", re.IGNORECASE
    )
    package = ROOT / "relocatable"
    allowed = {package / "blob/include/xn_blob.h", *(package / "targets").iterdir()}
    files = [path for s in ("py", "c", "h", "ld") for path in package.rglob(f"*.{s}")]
    assert any(words.search(path.read_text(encoding="utf-8")) for path in allowed & set(files))
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in sorted(set(files) - allowed)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line)
    ]
    assert not named, "\n".join(named)


def test_features_belong_to_their_family() -> None:
    assert riscv.A.bit == arm.DSP.bit
    assert find_target("cortex-m4").has(arm.DSP)
    assert not find_target("cortex-m4").has(riscv.A)
    assert find_target("rv32imac").has(riscv.A)
    assert not find_target("rv32imac").has(arm.DSP)
    for family in FAMILIES:
        bits = [feature.bit for feature in FEATURES if feature.family == family]
        assert sum(bits) == sum(set(bits)), "two features of a family must not share a bit"


def test_targets_are_known_by_their_names() -> None:
    assert all(find_target(name).name == name for name in TARGETS)
    assert ("host" in TARGETS) == (host_family() != 0)
    if "host" in TARGETS:
        assert TARGETS["host"].family.number == host_family()


def test_a_blob_begins_with_what_asks_most_of_a_cpu() -> None:
    names = ["cortex-m0plus", "cortex-m4", "cortex-m55", "cortex-m7", "cortex-m4", "cortex-m33"]
    found = [target.name for target in find_targets(names)]
    assert found == ["cortex-m55", "cortex-m33", "cortex-m7", "cortex-m4", "cortex-m0plus"]
    assert [target.name for target in find_targets("cortex-m4")] == ["cortex-m4"]
