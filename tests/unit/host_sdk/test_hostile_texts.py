"""No text of a board, a blob or a port steers what shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from host_sdk import Device
from host_sdk.cli import main
from host_sdk.display.progress import byte_bars, byte_progress
from host_sdk.errors import PythonError, XipnetError
from host_sdk.link.messages import Failure
from tests.unit.host_sdk.blobs import adder_metadata, make_blob
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.scripted_board import Refused, ScriptedBoard

EVIL = "\x1b[2J\x1b]0;t\x07\x9b1m\u202e\u2066\r\n\x00[red]<b onclick='x'>&\x7f"


def poisoned(value: Any) -> Any:
    """Append what steers a terminal to each text in a value; `methods` must stay."""
    match value:
        case str():
            return value + EVIL
        case list():
            return [poisoned(item) for item in value]
        case dict():
            return {k: v if k == "methods" else poisoned(v) for k, v in value.items()}
    return value


def evil_blob() -> bytes:
    metadata: Any = adder_metadata(8, labels=["cat", "dog"])
    for tensor in (*metadata["tensors"], *metadata["inputs"], *metadata["outputs"]):
        tensor["name"] += EVIL
    for step in metadata["steps"]:
        step |= {"name": step["name"] + EVIL, "op": step["op"] + EVIL}
    metadata |= {"name": "adds" + EVIL, "labels": ["cat" + EVIL, "dog" + EVIL]}
    return make_blob(metadata=metadata, results=((2, bytes([1] + [0] * 23)),))


def assert_harmless(text: str) -> None:
    assert text.replace("\n", "").replace("\t", "").isprintable(), text


@pytest.fixture
def evil(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> tuple[ScriptedBoard, Device]:
    """Connect a board whose every text steers; the commands use it."""
    board, device = connect()
    device.load_model(evil_blob(), "adds")
    device.load_model(evil_blob(), "other")
    device.activate("adds")
    for method in ("hello", "ls", "history", "put_end"):
        board.alter[method] = poisoned
    board.functions["f"] = (lambda: 1, [["a", 1, EVIL]], EVIL)

    @contextmanager
    def opened(*_: object) -> Iterator[Device]:
        yield device

    monkeypatch.setattr("host_sdk.cli.common.open_board", opened)
    return board, device


COMMANDS = [
    *(["info"], ["ls"], ["history"], ["profile"], ["history", "none"], ["activate", "none"]),
    *(["classify", "PICTURE"], ["detect", "PICTURE"], ["put", "FILE"]),
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("as_json", [False, True])
def test_commands_print_lines_that_steer_nothing(
    evil: tuple[ScriptedBoard, Device], tmp_path: Path, command: list[str], as_json: bool
) -> None:
    (tmp_path / "PICTURE").write_bytes(b"no picture")
    (tmp_path / "FILE").write_bytes(b"data")
    arguments = [str(tmp_path / a) if a.isupper() else a for a in command]
    shown = CliRunner().invoke(main, [*arguments, *(["--json"] if as_json else [])])
    assert shown.exception is None or isinstance(shown.exception, SystemExit)
    assert_harmless(shown.output)
    if as_json and shown.exit_code == 0:
        json.loads(shown.output)


def test_the_refusal_of_a_board_steers_nothing(evil: tuple[ScriptedBoard, Device]) -> None:
    board, _ = evil
    board.refuse["rm"] = Failure(-20, "no" + EVIL, EVIL)
    shown = CliRunner().invoke(main, ["rm", "x"])
    assert shown.exit_code == 1
    assert_harmless(shown.output)


def test_a_traceback_keeps_its_lines_and_steers_nothing(
    evil: tuple[ScriptedBoard, Device], tmp_path: Path
) -> None:
    board, device = evil

    def fail(_: str) -> None:
        raise Refused(-80, "raised", 'Traceback:\n  File "a"\n' + EVIL)

    board.on_exec = fail
    with pytest.raises(PythonError) as caught:
        device.exec("x")
    assert "Traceback:\n  File" in str(caught.value)
    assert_harmless(caught.value.traceback)
    (tmp_path / "script.py").write_text("x")
    shown = CliRunner().invoke(main, ["run", str(tmp_path / "script.py")])
    assert_harmless(shown.output)


def test_objects_show_themselves_without_steering(evil: tuple[ScriptedBoard, Device]) -> None:
    _, device = evil
    shown: list[Any] = [device, device.model(), device.profile(), device.rpc, device.ls()]
    shown += [device.info(), device.history("adds"), device.trace(reference="none")]
    shown.append(device.validate(np.zeros((3, 1, 8), np.int8), np.zeros(3, int), "none"))
    for one in shown:
        assert_harmless(repr(one))
        assert_harmless(str(one))
        if hasattr(one, "_repr_html_"):
            page: str = one._repr_html_()
            assert_harmless(page)
            assert "<b" not in page.replace("<body", "")
    assert_harmless(device.info().board)
    page = shown[-1].to_html()
    assert_harmless(page)
    assert "onclick='" not in page
    assert "<b " not in page


def test_errors_about_a_boards_words_steer_nothing(evil: tuple[ScriptedBoard, Device]) -> None:
    board, device = evil
    board.alter["trial"] = lambda _: {"name": EVIL, "version": EVIL}
    with pytest.raises(XipnetError, match="'version' must be an integer") as caught:
        device.trial()
    assert_harmless(str(caught.value))
    with pytest.raises(XipnetError) as caught:
        device.run_head(np.zeros((2, 2), np.uint8))
    assert_harmless(str(caught.value))


def test_titles_of_bars_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    with byte_progress(True, "[/red]" + EVIL) as show:
        assert show is not None
        show(1, 2)
    with byte_bars(["[/red]" + EVIL]) as show_one:
        show_one("[/red]" + EVIL, 1, 2)
    shown = capsys.readouterr().err
    assert "[/red]" in shown
    assert "\x1b]0" not in shown


def test_a_port_describes_itself_without_steering(monkeypatch: pytest.MonkeyPatch) -> None:
    port = SimpleNamespace(device="/dev/x", description="USB" + EVIL, vid=1)
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [port])
    assert_harmless(CliRunner().invoke(main, ["boards"]).output)


def test_an_object_is_written_beside_and_nowhere_else(
    evil: tuple[ScriptedBoard, Device], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, device = evil
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    device.put("../up", b"data")
    assert CliRunner().invoke(main, ["get", "../up"]).exit_code == 0
    [written] = (tmp_path / "in").iterdir()
    assert (written.name, written.read_bytes()) == ("%2E.%2Fup", b"data")
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_a_blobs_facts_steer_nothing(tmp_path: Path) -> None:
    (tmp_path / "evil.bin").write_bytes(evil_blob())
    for command in ("inspect", "build"):
        shown = CliRunner().invoke(main, [command, str(tmp_path / "evil.bin")])
        assert_harmless(shown.output)
