"""head="auto": what is said, and what is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_sdk.errors import CompileError, InputError
from host_sdk.inference.model_source import compile_tflite, open_model
from tests.make_graph import GraphBuilder
from tests.make_tflite import make_tflite


@pytest.fixture
def model(tmp_path: Path) -> Path:
    b = GraphBuilder()
    x = b.input(1, 4, dtype="float32")
    path = tmp_path / "four.tflite"
    path.write_bytes(make_tflite(b.graph(b.op("TANH", (x,), b.tensor(1, 4, dtype="float32")))))
    return path


def test_auto_says_what_it_guessed_and_keeps_it(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compile_tflite(open_model(model), "auto", "host")
    told = capsys.readouterr().err
    assert "head anomaly: output" in told
    assert f"written to {model.with_suffix('.toml')}" in told
    text = model.with_suffix(".toml").read_text(encoding="utf-8")
    assert 'head = "anomaly"' in text
    compile_tflite(open_model(model), "auto", "host")  # the same again
    assert "written" not in capsys.readouterr().err
    model.with_suffix(".toml").write_text(text + "# mine\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"must have no other TOML file .*four\.toml is there"):
        compile_tflite(open_model(model), "auto", "host")
    assert model.with_suffix(".toml").read_text(encoding="utf-8").endswith("# mine\n")


def test_auto_of_a_model_that_could_be_several_asks(tmp_path: Path) -> None:
    b = GraphBuilder()
    x = b.input(1, 8, 8, 3, dtype="float32")
    path = tmp_path / "several.tflite"
    y = b.op("TANH", (x,), b.tensor(1, 8, 8, 3, dtype="float32"))
    path.write_bytes(make_tflite(b.graph(y)))
    with pytest.raises(CompileError, match="could be several: anomaly"):
        compile_tflite(open_model(path), "auto", "host")
    assert not path.with_suffix(".toml").exists()
