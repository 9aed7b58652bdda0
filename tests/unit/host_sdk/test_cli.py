"""The commands that need no board, and how errors are shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from host_sdk.cli import main

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
    expected = "demo boards info build inspect load ls rm activate infer detect classify profile"
    assert list(main.commands) == [*expected.split(), "run", "repl", "sim"]


def test_boards_lists_the_virtual_ones() -> None:
    ports = [b["port"] for b in json.loads(xipnet("boards", "--json").output)]
    assert {"sim://cortex-m4", "sim://cortex-m7", "sim://cortex-m55"} <= set(ports)
    assert "sim://cortex-m55" in xipnet("boards").output


def test_build_and_inspect(tmp_path: Path) -> None:
    blob = tmp_path / "digits.bin"
    model = EXAMPLES / "models" / "digits.tflite"
    built = xipnet("build", model, "-o", blob, "--target", "cortex-m4")
    assert built.exit_code == 0, built.output
    for word in ("CONV_2D", "flash", "RAM", "stack", "MACs", "digits for cortex-m4"):
        assert word in built.output
    shown = xipnet("inspect", blob)
    assert "classes" in shown.output
    facts = json.loads(xipnet("inspect", blob, "--json").output)
    assert facts["programs"][0]["flash_bytes"] == blob.stat().st_size
    assert facts["metadata"]["name"] == "digits"


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
    assert "Error: blob must have the 0 bytes" in xipnet("inspect", path).output
