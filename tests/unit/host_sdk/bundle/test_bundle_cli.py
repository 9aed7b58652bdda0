"""`xipnet build` and `inspect` of a pipeline; the same files give the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from host_sdk.bundle.bundle import unpack_bundle
from host_sdk.cli import main
from tests.conftest import ROOT

SHADE = ROOT / "examples" / "models" / "shade2.tflite"


def xipnet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    (tmp_path / "shade.tflite").write_bytes(SHADE.read_bytes())
    (tmp_path / "shade.toml").write_bytes(SHADE.with_suffix(".toml").read_bytes())
    (tmp_path / "run.py").write_bytes(b"print(1)\n")
    path = tmp_path / "pipeline.toml"
    path.write_text('name = "s"\nscript = "run.py"\n[models.shade]\nmodel = "shade.tflite"\n')
    return path


def test_what_is_built_is_shown_and_built_again_is_the_same(pipeline: Path) -> None:
    made = [pipeline.with_name("a.bundle"), pipeline.with_name("b.bundle")]
    for path in made:
        done = xipnet("build", pipeline, "-o", path, "--target", "cortex-m4")
        assert done.exit_code == 0, done.output
    assert made[0].read_bytes() == made[1].read_bytes()
    assert [m.name for m in unpack_bundle(made[0].read_bytes())] == ["shade", "main.py"]
    shown = xipnet("inspect", made[0])
    assert shown.exit_code == 0, shown.output
    assert "for cortex-m4" in shown.output
    told = json.loads(xipnet("inspect", made[0], "--json").output)
    assert [(m["name"], m["type"]) for m in told["members"]] == [
        ("shade", "blob"),
        ("main.py", "script"),
    ]
    assert told["members"][0]["programs"][0]["target"] == "cortex-m4"
    assert told["size_bytes"] == made[0].stat().st_size


def test_options_of_one_model_are_refused(pipeline: Path) -> None:
    for option in (("--optimize", "ram"), ("--head", "auto"), ("--max-ram", "4k")):
        done = xipnet("build", pipeline, *option)
        assert done.exit_code == 2
        assert "its table in the pipeline.toml has them" in done.output
    assert "--whole-tensors is for one model" in xipnet("build", pipeline, "--whole-tensors").output


def test_what_is_wrong_is_a_sentence(pipeline: Path) -> None:
    pipeline.write_text("[models.shade]\n")
    done = xipnet("build", pipeline)
    assert done.exit_code == 1
    assert "[models.shade] model must be a string; is None" in done.output
