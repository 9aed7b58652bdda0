"""The converter's process: its stages, its end, its words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from host_sdk import ConvertError, ModelFileError, ToolMissingError, UnsafeModelError
from host_sdk.converting.run_converter import run_converter
from host_sdk.inference.model_source import open_model
from tests.unit.host_sdk.converting.conftest import Recorded
from tests.unit.host_sdk.converting.keras_files import write_keras


def run(recorded: Recorded, tmp_path: Path, seconds: float = 60.0) -> list[tuple[int, int]]:
    stages: list[tuple[int, int]] = []
    arguments = ["keras", str(tmp_path / "in"), str(tmp_path / "out"), "m.keras"]
    run_converter(arguments, "m.keras", tmp_path, lambda *s: stages.append(s), seconds)
    return stages


def test_stages_are_told(recorded: Recorded, tmp_path: Path) -> None:
    assert run(recorded, tmp_path) == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_without_tensorflow_the_command_is_told(recorded: Recorded, tmp_path: Path) -> None:
    recorded.set({"missing": "tensorflow"}, tflite=None)
    with pytest.raises(ToolMissingError) as caught:
        run(recorded, tmp_path)
    assert caught.value.install == "pip install 'xipnet[train]'"
    assert caught.value.tool == "tensorflow"


def test_what_it_refuses(recorded: Recorded, tmp_path: Path) -> None:
    recorded.set({"unsafe": ["m.keras, 'x'", "rule", "Lambda"]}, tflite=None)
    with pytest.raises(UnsafeModelError, match=r"m\.keras, 'x': rule; found Lambda.*--trust"):
        run(recorded, tmp_path)
    recorded.set({"refused": "m.keras: its input\x1b[2J"}, tflite=None)
    with pytest.raises(ModelFileError, match=r"its input\\x1b\[2J"):
        run(recorded, tmp_path)


def test_its_own_words_when_it_fails(recorded: Recorded, tmp_path: Path) -> None:
    recorded.set({"stage": 1}, {"failed": "ConverterError: tf.Foo\x1b]0;x\x07"}, tflite=None)
    with pytest.raises(ConvertError) as caught:
        run(recorded, tmp_path)
    told = str(caught.value)
    assert told.startswith("m.keras cannot be converted; TensorFlow says:\nConverterError: tf.Foo")
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("end", "how"),
    [("sys.exit(3)", "exit status 3"), ("import os; os.kill(os.getpid(), 9)", "SIGKILL")],
)
def test_its_last_words_when_it_dies(
    recorded: Recorded, tmp_path: Path, end: str, how: str
) -> None:
    words = (*(f"line {i}" for i in range(100)), "out of \x1b[31mmemory", "x" * 200_000)
    recorded.set({"stage": 1}, tflite=None, words=words, end=end)
    with pytest.raises(ConvertError) as caught:
        run(recorded, tmp_path)
    told = str(caught.value)
    assert f"its process ended ({how})" in told
    assert r"out of \x1b[31mmemory" in told
    assert "line 50" not in told
    assert len(told) < 10_000


def test_one_that_does_not_end_is_ended(recorded: Recorded, tmp_path: Path) -> None:
    recorded.set({"stage": 1}, tflite=None, end="import time; time.sleep(600)")
    with pytest.raises(ConvertError, match=r"must end within 0\.5 s; did not"):
        run(recorded, tmp_path, seconds=0.5)


@pytest.mark.parametrize("reply", ["", "hello", "[1]", '{"stage": "x"}', "{" * 100_000])
def test_what_is_no_reply(recorded: Recorded, tmp_path: Path, reply: str) -> None:
    recorded.set(reply, tflite=None)
    with pytest.raises(ConvertError, match="its process ended"):
        run(recorded, tmp_path)


def test_it_must_make_a_tflite(recorded: Recorded, tmp_path: Path) -> None:
    recorded.set({"done": True}, tflite=None)
    with pytest.raises(ConvertError, match=r"must write a \.tflite; wrote b''"):
        open_model(write_keras(tmp_path / "m.keras"))
    other = tmp_path / "other"
    other.write_bytes(b"not one at all")
    recorded.set({"done": True}, tflite=other)
    with pytest.raises(ConvertError, match=r"wrote b'not one '"):
        open_model(write_keras(tmp_path / "m.keras"))


def test_nothing_of_the_user_steers_it(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("PYTHONPATH", "relative")
    monkeypatch.chdir(tmp_path)
    wanted = "{k: os.environ.get(k) for k in ('TF_USE_LEGACY_KERAS', 'KERAS_BACKEND')}"
    seen = tmp_path / "seen"
    end = f"import os; open({str(seen)!r}, 'w').write(repr([{wanted}, os.environ['PYTHONPATH']]))"
    recorded.set({"done": True}, end=end)
    run(recorded, tmp_path)
    given, path = eval(seen.read_text())
    assert given == {"TF_USE_LEGACY_KERAS": None, "KERAS_BACKEND": "tensorflow"}
    assert path.split(os.pathsep)[1] == str(tmp_path / "relative")


def test_nothing_is_left_behind(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    open_model(write_keras(tmp_path / "m.keras"))
    recorded.set({"failed": "x"}, tflite=None)
    with pytest.raises(ConvertError):
        open_model(write_keras(tmp_path / "m.keras"))
    assert list(folder.iterdir()) == []
