"""Run the board's C under libFuzzer for a short time; by gcc the corpus alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from device_fw.build.core_program import core_flags, core_sources
from tests.c.core_build import FLAGS, make_blob
from tests.c.core_build import HERE as C_TESTS

pytestmark = pytest.mark.xdist_group("core")

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
SOURCES = [HERE / "fuzz_server.c", *core_sources()]
RUNS = 100_000


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


def test_the_corpus_does_no_harm(folder: Path) -> None:
    run(["gcc", *FLAGS, "-DXIPNET_REPLAY", *SOURCES, "-o", folder / "replay"], folder)
    inputs = sorted(CORPUS.iterdir())
    assert len(inputs) > 20
    assert f"{len(inputs)} inputs" in run([folder / "replay", *inputs], folder)


@pytest.mark.proof("fuzz")
def test_libfuzzer_finds_nothing(folder: Path) -> None:
    clang = next((c for c in ("clang", "clang-14", "clang-16", "clang-18") if shutil.which(c)), "")
    probe = folder / "probe.c"
    probe.write_text("int LLVMFuzzerTestOneInput(void) { return 0; }")
    flags = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-g", "-O2"]
    if (
        not clang
        or subprocess.run([clang, *flags, probe, "-o", folder / "p"], check=False).returncode
    ):
        pytest.skip("needs clang with libFuzzer (apt install clang libclang-rt-14-dev)")
    flags += [*core_flags(), f"-I{C_TESTS}"]
    run([clang, "-std=gnu11", *flags, *SOURCES, "-o", folder / "fuzz"], folder)
    (folder / "new").mkdir()
    log = run(
        [folder / "fuzz", f"-runs={RUNS}", "-max_len=600", "-seed=1", folder / "new", CORPUS],
        folder,
    )
    assert f"Done {RUNS} runs" in log
