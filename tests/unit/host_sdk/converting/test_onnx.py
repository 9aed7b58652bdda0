"""An ONNX file is looked through, and copied with the files that hold its values."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from host_sdk import ConvertError, ModelFileError, UnsafeModelError
from host_sdk.cli import main
from host_sdk.converting.onnx_check import find_external_files
from host_sdk.inference.model_source import open_model
from tests.unit.host_sdk.converting.conftest import Recorded
from tests.unit.host_sdk.converting.graphs import field
from tests.unit.host_sdk.converting.onnx_files import graph, model, node, tensor, write_onnx


def test_a_copy_is_converted(tmp_path: Path, recorded: Recorded) -> None:
    path = write_onnx(tmp_path / "net.onnx")
    opened = open_model(path)
    assert (opened.name, opened.is_tflite, opened.note) == ("net", True, "")
    [[program, source, _, place]] = recorded.asked
    assert (program, place) == ("onnx_child", str(path))
    assert Path(source) != path
    assert recorded.kept.read_bytes() == path.read_bytes()


def test_the_note_of_the_converter_is_kept(tmp_path: Path, recorded: Recorded) -> None:
    recorded.set({"done": True, "note": "input 'x' is [1, 8, 8, 3]\x1b[2J"})
    opened = open_model(write_onnx(tmp_path / "net.onnx"))
    assert opened.note == r"input 'x' is [1, 8, 8, 3]\x1b[2J"


def test_check_says_the_note(tmp_path: Path, recorded: Recorded) -> None:
    recorded.set({"done": True, "note": "input 'x' is [1, 8, 8, 3]"})
    path = write_onnx(tmp_path / "net.onnx")
    said = CliRunner().invoke(main, ["check", str(path), "--target", "cortex-m4"])
    assert said.exit_code == 0
    assert "note: input 'x' is [1, 8, 8, 3]" in said.output
    said = CliRunner().invoke(main, ["check", str(path), "--target", "cortex-m4", "--json"])
    assert json.loads(said.output)[0]["note"] == "input 'x' is [1, 8, 8, 3]"


def test_its_words_when_it_fails(tmp_path: Path, recorded: Recorded) -> None:
    recorded.set({"failed": "ValueError: Resize\x07"}, tflite=None)
    with pytest.raises(ConvertError, match=r"onnx2tf says:\nValueError: Resize\\x07"):
        open_model(write_onnx(tmp_path / "net.onnx"))


def test_values_in_other_files_come_along(tmp_path: Path, recorded: Recorded) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "w.bin").write_bytes(b"1")
    (tmp_path / "parts" / "v.bin").write_bytes(b"2")
    inner = graph(field(5, tensor("w.bin")), field(5, tensor("parts/v.bin")))
    seen = tmp_path / "seen"
    program = (
        "import os; folder = os.path.dirname(sys.argv[2]); "
        f"open({str(seen)!r}, 'w').write(open(folder + '/w.bin').read() + "
        "open(folder + '/parts/v.bin').read())"
    )
    recorded.set({"done": True}, end=program)
    open_model(write_onnx(tmp_path / "net.onnx", model(inner)))
    assert seen.read_text() == "12"


def test_a_file_of_values_that_is_missing(tmp_path: Path) -> None:
    data = model(graph(field(5, tensor("w.bin"))))
    with pytest.raises(ModelFileError, match=r"w\.bin must be a plain file"):
        open_model(write_onnx(tmp_path / "net.onnx", data))


@pytest.mark.parametrize(
    "name", ["../w", "/w", "a/../../w", "C:w", "a\\w", "", ".", "..", "w\0", "a/.."]
)
def test_where_values_may_not_be(name: str) -> None:
    with pytest.raises(UnsafeModelError, match="below the model's folder"):
        find_external_files(model(graph(field(5, tensor(name)))), "net.onnx")


def test_names_that_are_below(tmp_path: Path) -> None:
    parts = [field(5, tensor(name)) for name in ("w.bin", "a/b/..c", "./w.bin", "...")]
    found = find_external_files(model(graph(*parts)), "net.onnx")
    assert found == ["...", "./w.bin", "a/b/..c", "w.bin"]


def test_functions_of_the_model_are_its_own() -> None:
    function = field(1, "f") + field(10, "mine") + field(7, node("Relu"))
    data = model(graph(nodes=(node("f", "mine"), node("Relu", "ai.onnx"))), field(25, function))
    assert find_external_files(data, "net.onnx") == []
    with pytest.raises(ModelFileError, match="must be ONNX's own; found f of mine"):
        find_external_files(model(graph(nodes=(node("f", "mine"),))), "net.onnx")


def test_graphs_in_graphs_are_bounded() -> None:
    inner = graph()
    for _ in range(40):
        inner = graph(nodes=(node("If", "", field(1, "b") + field(6, inner)),))
    with pytest.raises(ModelFileError, match="must nest graphs at most 32 deep"):
        find_external_files(model(inner), "net.onnx")


def test_every_damage_is_an_error_or_a_model(tmp_path: Path) -> None:
    whole = model(graph(field(5, tensor("w.bin"))))
    for end in range(len(whole)):
        torn = write_onnx(tmp_path / "torn.onnx", whole[:end])
        with contextlib.suppress(ModelFileError):
            assert find_external_files(torn.read_bytes(), "net.onnx") in ([], ["w.bin"])


def test_trust_gives_the_file_where_it_is(tmp_path: Path, recorded: Recorded) -> None:
    data = model(graph(field(5, tensor("../w.bin"))))
    path = write_onnx(tmp_path / "net.onnx", data)
    open_model(path, trust=True)
    assert recorded.asked[0][1] == str(path)
    assert recorded.asked[0][4:] == ["--trust"]
