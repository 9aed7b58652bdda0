"""Run the board's C under libFuzzer; by gcc what is to begin with alone."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from device_fw.build.core_program import core_flags, core_sources
from tests.c.core_build import FLAGS, make_blob
from tests.c.core_build import HERE as C_TESTS
from tests.c.test_bundle_twin import mutants, some_bundle
from tests.c.test_loader_twin import KINDS, make_kind
from tests.c.test_scan_twin import programs
from tests.fuzz.vm_build import vm_sources
from tests.sim.hostile_requests import any_value

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
CLANG = ["-std=gnu11", "-g", "-O2", "-fsanitize=fuzzer-no-link,address"]
STRICT = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
LINK = ["-fsanitize=fuzzer,address,undefined"]
# MicroPython is not free of what C leaves undefined; and its collector reads the stack as it likes,
# which it tells sanitizers of a newer GCC than clang says it is.
OF_OTHERS = ["-fgnuc-version=4.8.0", "-w"]


def corpus(_: Path) -> Iterator[bytes]:
    """Yield what covered more of the server, in runs before."""
    yield from (path.read_bytes() for path in sorted(CORPUS.iterdir()))


def blobs(folder: Path) -> Iterator[bytes]:
    """Yield blobs of every kind."""
    for kind in KINDS:
        yield make_kind(folder, kind)


def codes(_: Path) -> Iterator[bytes]:
    """Yield programs for the scan, some taken and some refused."""
    for code, steps in random.Random(7).sample(list(programs()), 300):
        some = [step for step in steps if step < 65536][:7]
        if len(code) <= 4096 and some:
            yield code + struct.pack(f"<{len(some)}H", *reversed(some)) + bytes([len(some)])


def values(_: Path) -> Iterator[bytes]:
    """Yield what may be the arguments of a call."""
    r = random.Random(7)
    yield from [any_value(r) for i in range(300)]


def bundles(_: Path) -> Iterator[bytes]:
    """Yield header and rows of bundles, right ones and some with a rule broken."""
    for members in (1, 2, 5, 16):
        table = slice(0, 16 + 84 * members)
        yield some_bundle(members)[table]
        yield from (changed[table] for changed in islice(mutants(members), 40))


def seals(_: Path) -> Iterator[bytes]:
    """Yield changes of one byte, of a seal and of an order."""
    yield from (bytes([which]) for which in (0, 1))
    yield from (bytes([which, at, 1]) for which in (0, 1) for at in range(192))


@dataclass(frozen=True)
class Target:
    """What is fuzzed.

    Attributes:
        seeds: inputs to begin with; gets the folder in which the steps of blobs were compiled.
        runs: of the proof.
        max_len: bytes of an input.
    """

    seeds: Callable[[Path], Iterator[bytes]]
    runs: int
    max_len: int


TARGETS = {
    "server": Target(corpus, 3_000_000, 600),
    "loader": Target(blobs, 5_000_000, 4096),
    "scan": Target(codes, 10_000_000, 4096),
    "values": Target(values, 2_000_000, 600),
    "bundle": Target(bundles, 5_000_000, 1400),
    "seal": Target(seals, 5_000_000, 33),
}
# Built otherwise than the core: for the proof alone.
OTHERS = ("values", "seal")
APART = [pytest.param(name, marks=pytest.mark.xdist_group(f"fuzz {name}")) for name in TARGETS]


def run(command: list[object], folder: Path) -> str:
    environment = {
        **os.environ,
        "ASAN_OPTIONS": "detect_leaks=0",
        "XIPNET_FUZZ_BLOB": str(folder / "blob"),
    }
    done = subprocess.run(
        [str(c) for c in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc with its sanitizers")
    made = tmp_path_factory.mktemp("fuzz")
    (made / "blob").write_bytes(make_blob(made).pack())
    return made


@pytest.fixture(scope="module")
def objects(folder: Path) -> list[Path]:
    """Compile the core by gcc, once for all targets."""
    (folder / "core").mkdir()
    run(["gcc", *FLAGS, "-c", *core_sources()], folder / "core")
    return list((folder / "core").glob("*.o"))


def write_seeds(name: str, folder: Path) -> list[Path]:
    """Write a target's first inputs into a folder of their own."""
    (folder / name).mkdir()
    paths = []
    for i, seed in enumerate(TARGETS[name].seeds(folder)):
        paths.append(folder / name / f"{i:04}")
        paths[-1].write_bytes(seed)
    return paths


@pytest.mark.few(2)
@pytest.mark.xdist_group("core")
@pytest.mark.parametrize("name", [name for name in TARGETS if name not in OTHERS])
def test_the_first_inputs_do_no_harm(
    folder: Path, objects: list[Path], tmp_path: Path, name: str
) -> None:
    target = HERE / f"fuzz_{name}.c"
    run(["gcc", *FLAGS, "-DXIPNET_REPLAY", target, *objects, "-o", tmp_path / "replay"], folder)
    inputs = write_seeds(name, folder)
    assert len(inputs) >= 5
    assert f"{len(inputs)} inputs" in run([tmp_path / "replay", *inputs], folder)


def find_clang(folder: Path) -> str:
    """Name a clang that has libFuzzer; skip the test if there is none."""
    clang = next((c for c in ("clang", "clang-14", "clang-16", "clang-18") if shutil.which(c)), "")
    probe = folder / "probe.c"
    probe.write_text("int LLVMFuzzerTestOneInput(void) { return 0; }")
    command = [clang, *LINK, str(probe), "-o", str(folder / "probe")]
    if not clang or subprocess.run(command, check=False).returncode:
        pytest.skip("needs clang with libFuzzer (apt install clang libclang-rt-14-dev)")
    return clang


@pytest.mark.proof("fuzz")
@pytest.mark.parametrize("name", APART)
def test_libfuzzer_finds_nothing(
    folder: Path, tmp_path: Path, name: str, record_property: Any
) -> None:
    program = build_fuzzer(name, tmp_path)
    target = TARGETS[name]
    write_seeds(name, folder)
    (tmp_path / "new").mkdir()
    options = [f"-runs={target.runs}", f"-max_len={target.max_len}", "-seed=1", "-timeout=60"]
    log = run([program, *options, tmp_path / "new", folder / name], folder)
    assert f"Done {target.runs} runs" in log
    record_property("figures", f"{name} {target.runs:,} executions")


def build_fuzzer(name: str, folder: Path) -> Path:
    """Compile a target by clang; skip the test if there is none."""
    clang = find_clang(folder)
    of_others, ours = list[Path](), core_sources()
    lockable = name == "seal"
    flags = [*core_flags(lockable), f"-I{C_TESTS}", f"-I{HERE}"]
    if lockable:
        ours = [path for path in core_sources(True) if path.name != "xn_ed25519.c"]
    if name == "values":
        sources = vm_sources(folder)
        of_others, ours, flags = sources.of_others, sources.ours, [*flags, *sources.flags]
    objects = folder / "objects"
    objects.mkdir()
    target = HERE / f"fuzz_{name}.c"
    run([clang, *CLANG, *STRICT, *flags, "-c", target, *ours], objects)
    if of_others:
        run([clang, *CLANG, *OF_OTHERS, *flags, "-c", *of_others], objects)
    run([clang, *LINK, *objects.glob("*.o"), "-o", folder / "fuzz"], folder)
    return folder / "fuzz"
