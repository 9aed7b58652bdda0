"""Run the transcripts of a page against a virtual board.

Blocks of a page run from top to bottom and share one board, one folder and one host session:

    ```pycon             the host's Python, checked as doctest does (... matches anything)
    ```pycon board       Python at the board's prompt
    ```python main.py    a file of that name, written into the folder
    ```console           shell commands behind "$ "; what they print, as above

Other blocks are for the reader alone. XIPNET_PORT names the board, so `Device()` finds it; the
folder holds `examples`, as the project does. One tool at a time holds the wire: a `Device` of the
host's session is closed while a command runs, and opened again after it.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from host_sdk import Device, PythonError

ROOT = Path(__file__).resolve().parents[2]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
COMMAND_S = 120.0

_BAR = "━"
_BLOCK = re.compile(
    r"^```(pycon|console|python [\w./]+)( board| usermod| train| onnx| torch)?\n(.*?)^```$",
    re.M | re.S,
)
_TRACEBACK = re.compile(
    r"Traceback \(most recent call last\):\n(?: .*\n|\s*\.\.\.\n)*(\S.*)\Z", re.S
)


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Attributes:
        kind: "pycon", "pycon board", "console", or "python FILE"; "pycon usermod" is for a board
            with another firmware (test_user_module.py); "console train", "pycon train", "console
            onnx" and "console torch" are for environments of converters (tests/convert).
        text: what is in it.
        line: number of its first line in the page.
    """

    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Step:
    """What is typed, and what must come back."""

    typed: str
    want: str
    line: int


def read_blocks(page: Path) -> list[Block]:
    """List the blocks of a page that can be run."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(m[1] + (m[2] or ""), m[3], text.count("\n", 0, m.start(3)) + 1)
        for m in _BLOCK.finditer(text)
    ]


def pages() -> list[Path]:
    """List the pages with transcripts for a board of this firmware."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    kinds = ("pycon", "pycon board", "console")
    return [p for p in found if any(b.kind in kinds for b in read_blocks(p))]


def python_steps(block: Block) -> list[Step]:
    """List the examples of a pycon block."""
    examples = doctest.DocTestParser().get_examples(block.text)
    return [Step(e.source, e.want, block.line + e.lineno) for e in examples]


def console_steps(block: Block) -> list[Step]:
    """List the commands of a console block."""
    steps: list[Step] = []
    for number, line in enumerate(block.text.splitlines(keepends=True), block.line):
        if line.startswith("$ "):
            steps.append(Step(line[2:], "", number))
        elif steps:
            last = steps[-1]
            steps[-1] = Step(last.typed, last.want + line, last.line)
    return steps


def check(page: Path, step: Step, got: str) -> None:
    """Compare what came back; of a traceback only its last line counts.

    A progress bar that is not on the page is no difference: slow machines show it.

    Raises:
        AssertionError: it is something else.
    """
    got = got.replace("\r\n", "\n")
    barless = "".join(line for line in got.splitlines(keepends=True) if _BAR not in line)
    want, equals = _last_line(step.want), doctest.OutputChecker().check_output
    if not any(equals(want, _last_line(seen), FLAGS) for seen in (got, barless)):
        place = f"{page.relative_to(ROOT)}:{step.line}"
        raise AssertionError(f"{place}: {step.typed}expected:\n{step.want}got:\n{got}")


def _last_line(text: str) -> str:
    match = _TRACEBACK.search(text.strip("\n"))
    return match[1] + "\n" if match else text


class Reader:
    """Does what a page says.

    Args:
        page: the page.
        port: of the board, for `Device`.
        folder: where files are written and commands run.
    """

    def __init__(self, page: Path, port: str, folder: Path) -> None:
        self._page, self._folder = page, folder
        self._names: dict[str, Any] = {"__name__": "__main__"}
        scripts = str(Path(sys.executable).parent)
        path = scripts + os.pathsep + os.environ["PATH"]
        python_path = str(ROOT) + os.pathsep + os.environ.get("PYTHONPATH", "")
        self._environment = {
            **os.environ,
            "XIPNET_PORT": port,
            "PATH": path,
            "PYTHONPATH": python_path,
            "COLUMNS": "100",
        }
        (folder / "examples").symlink_to(ROOT / "examples")

    def read(self) -> None:
        """Run all blocks.

        Raises:
            AssertionError: something came back that is not in the page.
        """
        try:
            for block in read_blocks(self._page):
                self._run(block)
        finally:
            self._close()

    def _run(self, block: Block) -> None:
        match block.kind:
            case "pycon":
                self._check(python_steps(block), self._on_host)
            case "pycon board":
                if not self._devices():
                    self._names["board"] = Device()
                self._check(python_steps(block), self._on_board)
            case "console":
                closed = self._close()
                self._check(console_steps(block), self._in_shell)
                self._names |= {name: Device() for name in closed}
            case _:
                name = block.kind.partition(" ")[2]
                (self._folder / name).write_text(block.text, encoding="utf-8")

    def _check(self, steps: list[Step], do: Callable[[str], str]) -> None:
        for step in steps:
            check(self._page, step, do(step.typed))

    # ---- Where a step happens --------------------------------------------------------------------

    def _on_host(self, source: str) -> str:
        printed = StringIO()
        try:
            with redirect_stdout(printed):
                exec(compile(source, "<page>", "single"), self._names)
        except Exception as error:
            return _told(type(error), error)
        return printed.getvalue()

    def _on_board(self, source: str) -> str:
        board = next(iter(self._devices().values()))
        try:
            return board.exec(f"exec(compile({source!r}, '<stdin>', 'single'))")
        except PythonError as error:
            return error.traceback

    def _in_shell(self, command: str) -> str:
        ran = subprocess.run(
            command,
            shell=True,
            cwd=self._folder,
            env=self._environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=COMMAND_S,
            check=False,
        )
        return ran.stdout

    def _devices(self) -> dict[str, Device]:
        return {n: v for n, v in self._names.items() if isinstance(v, Device) and v.is_open}

    def _close(self) -> list[str]:
        devices = self._devices()
        for device in devices.values():
            device.close()
        return list(devices)


def _told(kind: type[Exception], error: Exception) -> str:
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    return f"Traceback (most recent call last):\n  ...\n{name}: {error}\n"
