"""A converter's environment: made of its list alone, whole or not there."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from host_sdk import InputError, ToolMissingError
from host_sdk.cli import main
from host_sdk.converting.environments import environment as lists
from host_sdk.converting.environments import install
from host_sdk.converting.environments.environment import (
    Build,
    Environment,
    environment_names,
    read_environment,
)
from host_sdk.converting.environments.install import (
    choose_build,
    make_environment,
    remove_environment,
)


def xipnet(*arguments: str, says: str = "") -> Result:
    return CliRunner().invoke(main, ["convert-env", *arguments], input=says)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the environments a folder."""
    monkeypatch.setenv("XIPNET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Make an environment of one small wheel, which pip finds in a folder."""
    wheel = tmp_path / "wheels" / "stand_in-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    about = "stand_in-1.0.dist-info/"
    members = {
        "stand_in.py": "import sys\nprint(sys.argv)\n",
        f"{about}METADATA": "Metadata-Version: 2.1\nName: stand-in\nVersion: 1.0\n"
        "Requires-Python: >=4\nRequires-Dist: no-such-package-of-anyone\n",
        f"{about}WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}RECORD": f"stand_in.py,,\n{about}METADATA,,\n{about}WHEEL,,\n{about}RECORD,,\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    hashes = {"stand-in==1.0": (sha256(wheel.read_bytes()).hexdigest(),)}
    return Environment(
        "stand", "Stand-in 1.0", ("stand_in",), (Build("plain", hashes, 1000, 2000),), ("3.11-x",)
    )


@pytest.mark.heavy
def test_what_is_made_is_whole_and_starts(
    stand_in: Environment, cache: Path, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    [build] = stand_in.builds
    make_environment(stand_in, build, lambda *s: seen.append(s))
    assert stand_in.is_whole()
    assert stand_in.folder() == cache / "converters" / "stand"
    assert seen[0] == (0, 4)
    assert seen[-1] == (4, 4)
    assert seen == sorted(seen)
    assert not (tmp_path / "elsewhere").exists()
    python, isolated, start, program = stand_in.command("torch_child")
    ran = subprocess.run(
        [python, isolated, start, program, "in", "out", "m"], capture_output=True, check=True
    )
    assert b'"missing": "torch"' in ran.stdout  # our program, and nothing of this environment
    before = stand_in.marker().stat().st_mtime_ns
    make_environment(stand_in, build)
    assert stand_in.marker().stat().st_mtime_ns == before
    assert remove_environment(stand_in)
    assert not stand_in.folder().exists()
    assert not remove_environment(stand_in)


@pytest.mark.heavy
def test_what_was_stopped_is_made_again(
    stand_in: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    [build] = stand_in.builds

    def stop(_: Environment) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(install, "_try", stop)
        with pytest.raises(KeyboardInterrupt):
            make_environment(stand_in, build)
    assert stand_in.python().exists()
    assert not stand_in.is_whole()
    with pytest.raises(ToolMissingError, match=r"Stand-in 1\.0 .*: xipnet convert-env stand"):
        stand_in.command("onnx_child")
    left = stand_in.folder() / "left_over"
    left.touch()
    make_environment(stand_in, build)
    assert stand_in.is_whole()
    assert not left.exists()


@pytest.mark.heavy
def test_a_file_of_another_hash_is_not_taken(stand_in: Environment) -> None:
    other = Build("plain", {"stand-in==1.0": ("0" * 64,)}, 1000, 2000)
    with pytest.raises(InputError, match=r"(?s)pip must install Stand-in.*HASH"):
        make_environment(replace(stand_in, builds=(other,)), other)
    assert not stand_in.is_whole()


@pytest.mark.heavy
def test_what_does_not_start_is_not_whole(stand_in: Environment) -> None:
    lame = replace(stand_in, imports=("stand_in", "no_such_module"))
    with pytest.raises(InputError, match=r"Stand-in 1\.0 must start here; .*no_such_module"):
        make_environment(lame, lame.builds[0])
    assert not lame.is_whole()


def test_the_room_is_looked_at_before(stand_in: Environment) -> None:
    large = replace(stand_in.builds[0], disk_bytes=1 << 60)
    with pytest.raises(InputError, match=r"must have room for 1,152,921,504,606,[\d,]+ bytes; has"):
        make_environment(stand_in, large)
    assert not stand_in.folder().exists()


def test_another_list_or_python_is_another_environment(stand_in: Environment) -> None:
    [build] = stand_in.builds
    stand_in.python().parent.mkdir(parents=True)
    stand_in.python().touch()
    stand_in.marker().write_text(stand_in.mark(build))
    assert stand_in.is_whole()
    newer = replace(build, packages={"stand-in==1.1": ("0" * 64,)})
    assert not replace(stand_in, builds=(newer,)).is_whole()
    assert replace(stand_in, builds=(newer, build)).is_whole()
    stand_in.marker().write_bytes(b"\xff")
    assert not stand_in.is_whole()


def test_a_build_that_pip_does_not_find(
    stand_in: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Build("first", {}, 1, 1, asks="no-such-package-of-anyone==1.0")
    there = Build("second", {}, 1, 1, asks="stand-in==1.0")
    monkeypatch.delenv("PIP_TARGET")
    with pytest.raises(InputError, match=r"pip must find no-such.*; does not"):
        choose_build(replace(stand_in, builds=(first,)))
    assert choose_build(replace(stand_in, builds=(first, stand_in.builds[0]))).name == "plain"
    assert first.asks != there.asks


def test_other_pythons_are_told_which(stand_in: Environment) -> None:
    with pytest.raises(InputError, match=r"has for 3\.11-x; this is \d\.\d+-\w+-\w+"):
        choose_build(replace(stand_in, builds=()))


def test_sizes_are_told_before(monkeypatch: pytest.MonkeyPatch, stand_in: Environment) -> None:
    monkeypatch.setattr(lists, "read_environment", lambda _: stand_in)
    made: list[Build] = []
    monkeypatch.setattr(install, "make_environment", lambda e, b, p: made.append(b))
    large = replace(stand_in.builds[0], download_bytes=60_000_000, disk_bytes=270_000_000)
    monkeypatch.setattr(install, "choose_build", lambda _: large)
    asked = xipnet("stand", says="n\n")
    assert asked.exit_code == 1
    assert "60 MB to download, 270 MB on the disk" in asked.output
    assert "Install it?" in asked.output
    assert made == []
    assert "installed" in xipnet("stand", says="y\n").output
    assert "Install it?" not in xipnet("stand", "--yes").output
    assert made == [large, large]


def test_the_command_lists_and_removes(cache: Path) -> None:
    shown = xipnet()
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("not installed") == 2
    assert "onnx: there was none" in xipnet("onnx", "--remove").output
    assert "environment must be one of onnx, torch; is x" in xipnet("x").output
    assert "--remove needs a name" in xipnet("--remove").output


def test_without_a_cache_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIPNET_CACHE", "")
    assert not read_environment("onnx").is_whole()
    assert "XIPNET_CACHE must name a folder for converters" in xipnet("onnx", "--yes").output


@pytest.mark.parametrize("name", ["onnx", "torch"])
def test_lists_pin_every_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert name in environment_names()
    monkeypatch.setattr(lists, "this_machine", lambda: "3.11-linux-x86_64")
    environment = read_environment(name)
    assert environment.builds
    for build in environment.builds:
        assert len(build.packages) > 10
        assert 10_000_000 < build.download_bytes < build.disk_bytes
        for package, hashes in build.packages.items():
            assert re.fullmatch(r"[\w.-]+==[\w.+]+", package)
            assert hashes
            assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in hashes)
        assert len(build.requirements().splitlines()) == len(build.packages)
    text = (Path(lists.__file__).parent / f"{name}.toml").read_text(encoding="utf-8")
    assert "://" not in text


def test_this_machine_is_named_as_in_the_lists() -> None:
    assert re.fullmatch(r"3\.\d+-(linux|darwin|win32)-\w+", lists.this_machine())
    assert sys.version_info[:2] == tuple(map(int, lists.this_machine().split("-")[0].split(".")))
