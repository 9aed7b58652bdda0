"""A source that is not the pinned one is refused in words."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path

import pytest

from device_fw.boards import load_board, virtual_names
from device_fw.build import fetch_micropython, firmware_path
from device_fw.build.fetch_micropython import micropython_source, pinned_files, tree_digest
from device_fw.build.ninja import ninja_program
from device_fw.build.sources import list_sources
from device_fw.errors import SourceError
from tests.unit.device_fw.micropython_tree import make_micropython


def make_source(folder: Path, minor: int) -> Path:
    for name in (
        "py/mpconfig.h",
        "lib/crypto-algorithms/sha256.c",
        "lib/crypto-algorithms/sha256.h",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (folder / "py" / "mpconfig.h").write_text(
        f"#define MICROPY_VERSION_MAJOR 1\n#define MICROPY_VERSION_MINOR {minor}\n"
        "#define MICROPY_VERSION_MICRO 0\n"
    )
    return folder


def test_named_folder_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_source(tmp_path / "mp", 25)
    monkeypatch.setenv("MICROPYTHON_DIR", str(folder))
    assert micropython_source() == folder.resolve()


def test_named_folder_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_source(tmp_path / "mp", 24)
    monkeypatch.setenv("MICROPYTHON_DIR", str(folder))
    with pytest.raises(SourceError, match=r"holds MicroPython 1\.24\.0; .* for 1\.25\.0"):
        micropython_source()


def test_named_folder_without_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON_DIR", str(tmp_path))
    with pytest.raises(SourceError, match="is not MicroPython's source"):
        micropython_source()


def test_archive_of_another_hash(tmp_path: Path) -> None:
    archive = tmp_path / "micropython_1.25.0.orig.tar.xz"
    with tarfile.open(archive, "w:xz"):
        pass
    with pytest.raises(SourceError, match=r"SHA-256 must be 7b25be99\w+; is"):
        fetch_micropython._unpack(archive, tmp_path / "tree")


def test_digest_sees_every_change(tmp_path: Path) -> None:
    folder = make_source(tmp_path / "mp", 25)
    seen = {tree_digest(folder)}
    (folder / "py" / "new.c").write_text("")
    seen.add(tree_digest(folder))
    (folder / "py" / "new.c").write_text("x")
    seen.add(tree_digest(folder))
    (folder / "README.md").write_text("not built from")
    assert len(seen) == 3
    assert tree_digest(folder) in seen


def test_every_source_is_pinned(tmp_path: Path) -> None:
    tree = make_micropython(tmp_path / "mp")
    for name in ("lib/libm/sinf.c", "lib/libm_dbl/sin.c"):
        (tree / name).parent.mkdir(parents=True)
        (tree / name).write_text("")
    listed = list_sources(load_board("mps3_an547"), tree, tmp_path)
    sources = [path for path in (*listed.vm, *listed.plain) if path.is_relative_to(tree)]
    for path in sources:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert tree / "lib/libm_dbl/sin.c" in sources
    assert set(sources) <= set(pinned_files(tree))


@pytest.mark.sim
@pytest.mark.parametrize("board", virtual_names(vm=True))
def test_every_file_that_the_compiler_read_is_pinned(board: str) -> None:
    tree = micropython_source()
    build = firmware_path(board).with_suffix("") / "build.ninja"
    command = [ninja_program(), "-f", str(build), "-t", "deps"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # "OUTPUT: #deps ..." begins a list, whose files are indented.
    read = {Path(line.strip()) for line in listed.splitlines() if line.startswith("    ")}
    ours = {path for path in read if path.is_relative_to(tree)}
    assert tree / "py" / "obj.h" in ours
    assert ours <= set(pinned_files(tree))


def test_all_ways_fail_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MICROPYTHON_DIR", raising=False)
    monkeypatch.setattr(fetch_micropython, "build_dir", lambda: tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError, match=r"no apt-get\n.*git is not installed\n.*MICROPYTHON_DIR"):
        micropython_source(lambda text: None)
    assert list((tmp_path / "micropython").iterdir()) == []
