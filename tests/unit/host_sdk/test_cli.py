"""The commands that need no board, and how errors are shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from host_sdk import InputError
from host_sdk.cli import demos, main
from host_sdk.cli.compiling import read_bytes
from host_sdk.cli.validating import read_data
from tests.conftest import MODELS_DIR

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def xipnet(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_every_command_has_help() -> None:
    assert xipnet("--help").exit_code == 0
    for name in main.commands:
        shown = xipnet(name, "--help")
        assert shown.exit_code == 0
        assert "Usage:" in shown.output


def test_the_commands_are_those_of_the_readme() -> None:
    expected = (
        "demo boards info reset flash check build inspect ops convert-env quantize export sbom "
        "load ls rm activate ota confirm plan apply rollback history put get key sign verify "
        "trust lock unlock attest rescue format infer detect classify profile collect replay "
        "validate trace selftest run repl sim"
    )
    assert list(main.commands) == expected.split()


def test_boards_lists_the_virtual_ones() -> None:
    ports = [b["port"] for b in json.loads(xipnet("boards", "--json").output)]
    assert {"sim://cortex-m4", "sim://cortex-m7", "sim://cortex-m55"} <= set(ports)
    assert "sim://cortex-m55" in xipnet("boards").output


def test_demos_are_the_modules_of_their_folder() -> None:
    shown = xipnet("demo", "--list")
    assert shown.exit_code == 0
    names = [line.split()[0] for line in shown.output.splitlines()]
    folder = Path(demos.__file__).parent
    assert names == sorted({path.stem for path in folder.glob("[a-z]*.py")} - {"demo"})
    assert "coins" in names
    assert "demo must be one of coins" in xipnet("demo", "none").output


def test_build_and_inspect(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    blob = tmp_path / "digits.bin"
    model = EXAMPLES / "models" / "digits.tflite"
    built = xipnet("build", model, "-o", blob, "--target", "cortex-m4")
    assert built.exit_code == 0, built.output
    for word in ("CONV_2D", "flash", "RAM", "stack", "MACs", "digits for cortex-m4"):
        assert word in built.output
    assert "Raspberry Pi Pico 2" in built.output
    assert "RAM left" in built.output
    shown = xipnet("inspect", blob)
    assert "classes" in shown.output
    facts = json.loads(xipnet("inspect", blob, "--json").output)
    assert facts["programs"][0]["flash_bytes"] == blob.stat().st_size
    assert facts["metadata"]["name"] == "digits"
    fits = {fit["board"]: fit for fit in facts["boards"]}
    assert fits["pico2"]["fits"] is True
    assert fits["pico2"]["ram_left"] == 196608 - facts["programs"][0]["arena_bytes"]


def test_what_packed_filters_save_is_told(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    from tests.models.cluster import cluster

    model, blob = tmp_path / "clustered.tflite", tmp_path / "clustered.bin"
    model.write_bytes(cluster((MODELS_DIR / "mnist_small_int8.tflite").read_bytes()))
    built = xipnet("build", model, "-o", blob, "--target", "cortex-m4", "--optimize", "size")
    assert built.exit_code == 0, built.output
    facts = json.loads(xipnet("inspect", blob, "--json").output)["programs"][0]
    packed = [layer for step in facts["steps"] for layer in step["packed"]]
    assert facts["saved_bytes"] == sum(layer["saved_bytes"] for layer in packed) > 4000
    for shown in (built.output, xipnet("inspect", blob).output):
        assert f"{facts['saved_bytes']:,} bytes of weights saved" in shown
        assert f"about {facts['unpack_instructions']:,} instructions added" in shown
        for layer in packed:
            assert f"{layer['saved_bytes']:,}" in shown


def test_one_blob_for_several_cpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ai_edge_litert")
    model = EXAMPLES / "models" / "digits.tflite"
    monkeypatch.chdir(tmp_path)
    built = xipnet("build", model, "--target", "cortex-m4", "--target", "cortex-m55", "--json")
    facts = json.loads(built.output)
    blob = tmp_path / facts["output"]
    assert blob.name == "digits.bin"  # here, and not beside the model
    assert facts["flash_bytes"] == blob.stat().st_size
    # An M55 runs code of an M4, too: its own must come first.
    assert [p["target"] for p in facts["programs"]] == ["cortex-m55", "cortex-m4"]
    assert {"pico2", "nucleo_f411re", "mps3_an547"} <= {fit["board"] for fit in facts["boards"]}
    shown = xipnet("inspect", blob).output
    for line in ("digits for cortex-m55", "digits for cortex-m4", "2 programs", "classes"):
        assert line in shown
    assert json.loads(xipnet("inspect", blob, "--json").output)["programs"] == facts["programs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("inspect", "none.bin"), "none.bin cannot be read: No such file"),
        (("build", "none.tflite"), "none.tflite"),
        (("ls", "--port", "/dev/ttyNone7"), "/dev/ttyNone7 cannot be opened"),
        (("load", "m.bin", "--port", "sim://z80"), "virtual board must be one of cortex-m"),
        (("sim", "z80"), "virtual board must be one of"),
    ],
)
def test_errors_are_sentences(arguments: tuple[str, ...], message: str) -> None:
    result = xipnet(*arguments)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_damaged_blob_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"XPNB" + bytes(200))
    assert "Error: blob format must be 2.0 or 1.0; is 0.0" in xipnet("inspect", path).output


def test_validate_and_trace_on_this_computer(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    model = EXAMPLES / "models" / "digits.tflite"
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=rng.integers(0, 255, (4, 8, 8, 1), np.uint8), z=[1, 2, 3, 4])
    pages = [f"--{kind}={tmp_path / f'r.{kind}'}" for kind in ("html", "json", "csv")]
    data = ("--data", tmp_path / "d.npz", "--on", "host")
    done = xipnet("validate", model, *data, "--labels", "z", "--limit", "3", *pages)
    assert done.exit_code == 0, done.output
    assert "digits on this computer" in done.output
    assert "3 of 3" in done.output
    told = json.loads((tmp_path / "r.json").read_text())
    assert [r["label"] for r in told["rows"]] == [1, 2, 3]
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 4
    assert "absent: not asked for" in xipnet("validate", model, *data, "--reference=none").output
    wrong = xipnet("validate", model, *data, "--labels", "q")
    assert "labels must be a key of the data (x, z) or a file; is 'q'" in wrong.output
    traced = json.loads(xipnet("trace", model, "--on", "host", "--json").output)
    assert traced["reference"] == "litert"
    assert [r["differs"] for r in traced["rows"]] == [False] * len(traced["rows"])


@pytest.mark.parametrize(("text", "count"), [("65536", 65536), ("64k", 65536), ("1K", 1024)])
def test_bytes_are_read(text: str, count: int) -> None:
    assert read_bytes(text) == count


@pytest.mark.parametrize("text", ["", "k", "0", "-1", "1.5k", "64M"])
def test_other_bytes_are_refused(text: str) -> None:
    result = xipnet("build", "m.tflite", "--max-ram", text)
    assert (result.exit_code, "such as 65536 or 64k" in result.output) == (2, True)


def test_ram_is_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    model, output = EXAMPLES / "models" / "digits.tflite", ("-o", tmp_path / "m.bin")
    least = xipnet("build", model, *output, "--target", "cortex-m4", "--optimize", "ram", "--json")
    arena = json.loads(least.output)["arena_bytes"]
    refused = xipnet("build", model, *output, "--target", "cortex-m4", "--max-ram", "100")
    assert f"bytes of the arena must be at most 100; is {arena}" in refused.output


def test_rules_of_operators_are_printed() -> None:
    assert xipnet("ops").output.startswith("# Operators\n")
    shown = xipnet("ops", "CONV_2D", "ADD_N").output
    assert shown.startswith("## CONV_2D\n\n- ")
    assert "\n## ADD_N\n" in shown
    assert "dilation must be in [1, 64]" in shown
    unknown = xipnet("ops", "UNIQUE")
    assert (unknown.exit_code, "is 'UNIQUE'" in unknown.output) == (1, True)


def test_data_of_a_validation(tmp_path: Path) -> None:
    x, y = np.zeros((3, 2)), np.arange(3)
    path = tmp_path / "d.npz"

    def read(named: str | None = None, /, **arrays: Any) -> Any:
        np.savez(path, **arrays)
        return read_data(path, named)

    for arrays in ({"x": x, "y": y}, {"images": x, "labels": y}, {"y": y, "x": x, "other": y}):
        got = read(**arrays)
        samples = got[0].get("x", got[0].get("images"))
        assert (samples.shape, got[1].tolist()) == ((3, 2), [0, 1, 2])
    both, none = read(x0=x, x1=y)
    assert ({k: a.shape for k, a in both.items()}, none) == ({"x0": (3, 2), "x1": (3,)}, None)
    np.save(tmp_path / "y.npy", y)
    assert read(str(tmp_path / "y.npy"), a=x)[1].tolist() == [0, 1, 2]
    assert read_data(tmp_path / "y.npy", None)[0]["x"].shape == (3,)
    with pytest.raises(InputError, match="must hold samples; holds none"):
        read(y=y)


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    model = EXAMPLES / "models" / "shade2.tflite"
    shown = xipnet("build", model, "-o", tmp_path / "nowhere" / "x.bin")
    assert shown.exit_code == 1
    assert "x.bin: No such file or directory" in shown.output.replace("\n", "")
