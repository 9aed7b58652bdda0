"""A converter that was recorded: a program in the place of TensorFlow's process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from host_sdk.converting import run_converter
from host_sdk.converting.environments.environment import Environment
from tests.conftest import ROOT

DIGITS = ROOT / "examples" / "models" / "digits.tflite"

_PROGRAM = """
import json, pathlib, shutil, sys
record = json.loads(pathlib.Path({record!r}).read_text())
with open({started!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
for line in record["words"]:
    print(line, file=sys.stderr)
if record["tflite"]:
    shutil.copyfile(record["tflite"], sys.argv[3])
if pathlib.Path(sys.argv[2]).is_file():
    shutil.copy(sys.argv[2], record["keeps"])
for reply in record["replies"]:
    print(reply, flush=True)
{end}
"""


class Recorded:
    """What the recorded converter does, and what it was asked.

    Args:
        folder: of ours.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.kept = folder / "kept"
        self.set()

    def set(
        self,
        *replies: Any,
        tflite: Path | None = DIGITS,
        words: tuple[str, ...] = (),
        end: str = "",
    ) -> None:
        """Choose what it does.

        Args:
            replies: its lines; texts are written as they are.
            tflite: what it makes.
            words: lines for the standard error.
            end: Python that it ends with.
        """
        said = replies or (*({"stage": i} for i in range(5)), {"done": True})
        record = {
            "replies": [one if isinstance(one, str) else json.dumps(one) for one in said],
            "tflite": str(tflite) if tflite else None,
            "words": words,
            "keeps": str(self.kept),
        }
        (self._folder / "record.json").write_text(json.dumps(record))
        names = {n: str(self._folder / n) for n in ("record.json", "started")}
        text = _PROGRAM.format(record=names["record.json"], started=names["started"], end=end)
        (self._folder / "program.py").write_text(text)

    @property
    def command(self) -> tuple[str, ...]:
        """Say how it is started."""
        return (sys.executable, str(self._folder / "program.py"))

    @property
    def asked(self) -> list[list[str]]:
        """The arguments of each start."""
        started = self._folder / "started"
        lines = started.read_text().splitlines() if started.exists() else []
        return [json.loads(line) for line in lines]


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    """Put a recorded converter in the place of all real ones."""
    folder = tmp_path / "recorded"
    folder.mkdir()
    converter = Recorded(folder)
    monkeypatch.setattr(run_converter, "COMMAND", converter.command)
    started = converter.command
    monkeypatch.setattr(Environment, "command", lambda _, program: (*started, program))
    return converter
