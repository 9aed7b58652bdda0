"""`xipnet check`: models before they are built."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from host_sdk.cli import main
from host_sdk.inference.check_model import ModelCheck, ProgramCost, check_model, find_models
from relocatable.graph.builder import GraphBuilder
from tests.make_tflite import make_tflite

EXAMPLES = Path(__file__).resolve().parents[4] / "examples" / "models"


def xipnet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with two that are taken and two that are not."""
    inner = tmp_path / "inner"
    inner.mkdir()
    for name in ("digits.tflite", "digits.toml"):
        shutil.copy(EXAMPLES / name, inner / name)
    shutil.copy(EXAMPLES / "shade2.tflite", tmp_path / "plain.tflite")
    (tmp_path / "odd.tflite").write_bytes(_refused())
    (tmp_path / "torn.tflite").write_bytes((EXAMPLES / "digits.tflite").read_bytes()[:900])
    return tmp_path


def _refused() -> bytes:
    """Write a model that breaks two rules."""
    b = GraphBuilder()
    x = b.input(1, 4)
    y = b.op("RELU", (x,), b.tensor(1, 5))
    return make_tflite(b.graph(b.op("RELU", (y,), b.tensor(1, 6))))


def _several() -> bytes:
    """Write a model that may be an autoencoder or give masks."""
    b = GraphBuilder()
    x = b.input(1, 8, 8, 3, dtype="float32")
    return make_tflite(b.graph(b.op("TANH", (x,), b.tensor(1, 8, 8, 3, dtype="float32"))))


def test_one_model_is_told_in_full() -> None:
    shown = xipnet("check", EXAMPLES / "digits.tflite", "--target", "cortex-m4")
    assert shown.exit_code == 0, shown.output
    for text in ("yes", "CONV_2D 2", "classify, from digits.toml", "85,760", "1,760", ".."):
        assert text in shown.output
    assert "NUCLEO-F411RE" in shown.output
    assert "Pico\n" not in shown.output  # an M0+ does not run it


def test_the_page_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES.parents[1])
    shown = xipnet("check", "examples/models/digits.tflite").output
    printed = {" ".join(line.split()) for line in shown.splitlines()}
    page = Path("docs/BUILD.md").read_text(encoding="utf-8")
    lines = page.split("```")[1].strip().splitlines()[1:]
    assert {" ".join(line.split()) for line in lines if line != "..."} <= printed


def test_a_head_that_is_named(tmp_path: Path) -> None:
    model, head = tmp_path / "m.tflite", EXAMPLES / "digits.toml"
    shutil.copy(EXAMPLES / "digits.tflite", model)
    assert check_model(model, ["cortex-m4"]).head == ""
    checked = check_model(model, ["cortex-m4"], head=str(head))
    assert (checked.head, checked.head_from) == ("classify", "digits.toml")


def test_a_head_that_is_guessed(tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    shutil.copy(EXAMPLES / "digits.tflite", model)
    shown = xipnet("check", model, "--head", "auto", "--target", "cortex-m4")
    assert shown.exit_code == 0, shown.output
    assert "classify, from a guess: output" in shown.output
    assert [path.name for path in tmp_path.iterdir()] == ["m.tflite"]
    exact = check_model(model, ["cortex-m4"], head="auto", exact=True)
    assert (exact.head, exact.error) == ("classify", "")
    (tmp_path / "odd.tflite").write_bytes(_several())
    refused = check_model(tmp_path / "odd.tflite", ["cortex-m4"], head="auto")
    assert "could be several: anomaly" in refused.error


def test_a_refused_model_tells_all_reasons(folder: Path) -> None:
    shown = xipnet("check", folder / "odd.tflite")
    assert shown.exit_code == 1
    assert "RELU 2" in shown.output
    assert "2 operators: RELU" in shown.output
    assert "instead:" in shown.output


def test_folders_and_files_at_once(folder: Path) -> None:
    lost, text = folder / "lost.tflite", folder / "text.md"
    text.write_text("# A text")
    shown = xipnet("check", folder, lost, text, "--json")
    assert shown.exit_code == 1
    found = {Path(one["file"]).name: one for one in json.loads(shown.output)}
    assert {name for name, one in found.items() if one["taken"]} == {
        "digits.tflite",
        "plain.tflite",
    }
    assert len(found["odd.tflite"]["refusals"]) == 2
    assert found["odd.tflite"]["operators"] == {"RELU": 2}
    assert "damaged" in found["torn.tflite"]["error"]
    assert "No such file" in found["lost.tflite"]["error"]
    assert "a .tflite, a Keras model" in found["text.md"]["error"]
    digits = found["digits.tflite"]
    assert (digits["head"], digits["head_from"]) == ("classify", "digits.toml")
    assert {cost["target"] for cost in digits["programs"]} >= {"cortex-m0plus", "cortex-m55"}
    assert {"board": "pico", "fits": "yes"} in digits["boards"]


def test_a_table_of_several(folder: Path) -> None:
    shown = xipnet("check", folder)
    assert shown.exit_code == 1
    assert "2 of 4 taken" in shown.output
    assert "not taken: 2 reasons" in shown.output
    assert any(line.startswith("digits ") for line in shown.output.splitlines())
    assert xipnet("check", folder / "inner", folder / "plain.tflite").exit_code == 0


def test_an_empty_folder_is_a_line_of_the_table(tmp_path: Path) -> None:
    [checked] = [check_model(path, ["cortex-m4"]) for path in find_models([str(tmp_path)])]
    assert checked.error == "folder must hold .tflite files, or a SavedModel; holds none"


def test_ram_that_is_not_there() -> None:
    checked = check_model(EXAMPLES / "digits.tflite", ["cortex-m4"], max_ram=100)
    assert not checked.taken
    assert checked.refusals[0].rule == "bytes of the arena must be at most 100"


def test_exact_is_what_a_build_costs() -> None:
    built = xipnet("check", EXAMPLES / "shade2.tflite", "--exact", "--target", "cortex-m4")
    assert built.exit_code == 0, built.output
    assert "stack" in built.output
    assert ".." not in built.output


def test_what_fits_with_small_code_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    program = ProgramCost("cortex-m4", 1000, 1, (1000, 10_000_000))
    checked = ModelCheck("m.tflite", programs=(program,))
    monkeypatch.setattr("host_sdk.inference.check_model.check_model", lambda *_, **__: checked)
    [one] = json.loads(xipnet("check", "m.tflite", "--json").output)
    fits: dict[str, Any] = {board["board"]: board["fits"] for board in one["boards"]}
    assert fits["nucleo_f411re"] == "maybe"
    assert "if the code is small" in xipnet("check", "m.tflite").output
