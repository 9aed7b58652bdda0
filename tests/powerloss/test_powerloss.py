"""Cut the power at every flash operation, and again during the recovery."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from device_fw.build.core_program import core_flags, core_sources
from relocatable import separate_weights
from tests.c.core_build import HERE, make_blob

FLAGS = ["-std=gnu11", "-g", "-O2", "-pthread", f"-I{HERE}"]
FOLDER = Path(__file__).parent
LIMIT_S = 3600
STATES = r"(\d+) distinct states, 0 losses$"
Record = Callable[[str, object], None]
STUBBED = ("xn_ed25519.c",)  # by sealed.c: a signature costs nothing there

pytestmark = pytest.mark.xdist_group("powerloss")


@dataclass(frozen=True)
class Programs:
    """The programs, three blobs for this machine, and such with weights beside."""

    powerloss: Path
    trust: Path
    swaps: Path
    weights: Path
    blobs: tuple[Path, ...]
    pairs: tuple[Path, ...]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    if shutil.which("gcc") is None or platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("needs gcc, and a machine that blobs are made for")
    out = tmp_path_factory.mktemp("powerloss")
    blobs = []
    for i in range(3):
        blob = replace(make_blob(out), metadata={"name": "x" * (1 + 300 * i)})
        blobs.append(out / f"blob{i}")
        blobs[i].write_bytes(blob.pack())
    return Programs(
        powerloss=build(out, "powerloss", lockable=False),
        trust=build(out, "trust", lockable=True),
        swaps=build(out, "swaps", lockable=True),
        weights=build(out, "weights", lockable=False),
        blobs=tuple(blobs),
        pairs=tuple(write_pairs(out)),
    )


def write_pairs(out: Path) -> list[Path]:
    """Write three blobs without their weights, then their weights, of different bytes."""
    blobs, weights = [], []
    for i in range(3):
        blob = make_blob(out)
        [variant] = blob.variants
        more = bytes([i]) * (1500 * (i + 1))  # that no step reads
        variant = replace(variant, weights=variant.weights + more)
        separated = separate_weights(replace(blob, variants=(variant,)).pack())
        blobs.append(out / f"separate{i}")
        weights.append(out / f"weights{i}")
        blobs[i].write_bytes(separated.blob)
        weights[i].write_bytes(separated.weights[0])
    return [*blobs, *weights]


def build(out: Path, name: str, lockable: bool) -> Path:
    """Compile the core with a program of this folder."""
    core = [path for path in core_sources(lockable) if path.name not in STUBBED]
    own = ["cuts.c", "sealed.c", f"{name}.c"] if lockable else ["cuts.c", f"{name}.c"]
    sources = [*core, *(FOLDER / source for source in own)]
    command = ["gcc", *FLAGS, *core_flags(lockable), *map(str, sources), "-o", str(out / name)]
    subprocess.run(command, check=True)
    return out / name


def run(program: Path, *arguments: object) -> str:
    """Run a program; return what it tells."""
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    print(f"{' '.join(command[:4])}:\n{done.stdout}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def cuts(told: str) -> int:
    return number(r"^(\d+) cuts, \d+ distinct states, 0 losses$", told)


def states_of(told: list[str]) -> str:
    made, states = sum(map(cuts, told)), sum(number(STATES, text) for text in told)
    return f"{made:,} cuts, {states:,} distinct states, 0 losses"


def number(pattern: str, told: str) -> int:
    found = re.search(pattern, told, re.M)
    assert found is not None
    return int(found[1])


@pytest.mark.few(2)
@pytest.mark.parametrize("geometry", [0, 1, 2, 3, 4])
def test_old_or_new_whole_and_all_else_intact(programs: Programs, geometry: int) -> None:
    assert cuts(run(programs.powerloss, geometry, 31, 17, *programs.blobs)) > 1000


@pytest.mark.parametrize("geometry", [0, 2, 4])
def test_trust_is_old_or_new_and_whole(programs: Programs, geometry: int) -> None:
    assert cuts(run(programs.trust, geometry, 5, 23, *programs.blobs)) > 1000


@pytest.mark.parametrize("geometry", [0, 2, 4])
def test_weights_of_their_own_are_never_missed(programs: Programs, geometry: int) -> None:
    assert cuts(run(programs.weights, geometry, 5, 23, *programs.pairs)) > 1000


def test_nothing_below_the_floor_is_active(programs: Programs) -> None:
    told = run(programs.swaps, 0, 2000, 1, *programs.blobs)
    assert number(r"swaps with (\d+) cuts: 0 downgrades", told) > 400
    assert number(r"the floor rose (\d+) times", told) > 5


@pytest.mark.proof("powerloss")
def test_every_operation_and_every_one_of_the_recovery(
    programs: Programs, record_property: Record
) -> None:
    told = run(programs.powerloss, 0, 1, 1, *programs.blobs)
    assert cuts(told) >= 100_000
    record_property("figures", f"of the store {states_of([told])}")


@pytest.mark.proof("powerloss")
def test_every_operation_on_weights_and_every_one_of_the_recovery(
    programs: Programs, record_property: Record
) -> None:
    told = run(programs.weights, 0, 1, 1, *programs.pairs)
    assert cuts(told) >= 10_000
    record_property("figures", f"of weights {states_of([told])}")


@pytest.mark.proof("powerloss")
def test_every_operation_of_trust_and_every_one_of_the_recovery(
    programs: Programs, record_property: Record
) -> None:
    strides = {0: (1, 1), 1: (1, 13), 2: (1, 13)}  # by geometry: of the change, of the recovery
    told = [run(programs.trust, i, *strides[i], *programs.blobs) for i in strides]
    assert sum(number(STATES, text) for text in told) >= 12_000
    record_property("figures", f"of trust {states_of(told)}")


@pytest.mark.proof("powerloss")
@pytest.mark.parametrize("geometry", [0, 2])
def test_10_000_swaps_with_cuts(programs: Programs, geometry: int, record_property: Record) -> None:
    told = run(programs.swaps, geometry, 10_000, 2, *programs.blobs)
    made = number(r"^10000 swaps with (\d+) cuts: 0 downgrades", told)
    assert made > 2000
    record_property("figures", f"10,000 swaps with {made:,} cuts, 0 downgrades")
