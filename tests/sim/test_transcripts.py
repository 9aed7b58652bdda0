"""What the pages show is what happens on a virtual board."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim.machine import Machine
from tests.sim.transcript import (
    ROOT,
    Block,
    Reader,
    Step,
    check,
    console_steps,
    pages,
    python_steps,
)

PAGE = ROOT / "docs" / "PAGE.md"
BOARDS = {"SIGNING": "mps2_an386-lockable"}  # page -> its board, if that is another


@pytest.mark.few(1)
@pytest.mark.sim
@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Machine(BOARDS.get(page.stem, "mps3_an547"), tmp_path / "flash") as machine:
        machine.boot()
        machine.disconnect()
        port = f"socket://127.0.0.1:{machine.port}"
        monkeypatch.setenv("XIPNET_PORT", port)
        folder = tmp_path / "here"
        folder.mkdir()
        monkeypatch.chdir(folder)
        Reader(page, port, folder).read()


def test_steps_of_a_prompt() -> None:
    block = Block("pycon", ">>> for i in (1, 2):\n...     print(i)\n1\n2\n>>> x = 3\n", 10)
    assert python_steps(block) == [
        Step("for i in (1, 2):\n    print(i)\n", "1\n2\n", 10),
        Step("x = 3\n", "", 14),
    ]


def test_steps_of_a_shell() -> None:
    block = Block("console", "$ xipnet ls\nname  type\n$ true\n", 5)
    assert console_steps(block) == [Step("xipnet ls\n", "name  type\n", 5), Step("true\n", "", 7)]


def test_dots_match_anything_and_tracebacks_match_by_their_last_line() -> None:
    check(PAGE, Step("x\n", "a ... z\n", 1), "a b c z\r\n")
    want = "Traceback (most recent call last):\n  ...\nValueError: no\n"
    seen = 'Traceback (most recent call last):\n  File "<stdin>", line 1\nValueError: no\n'
    check(PAGE, Step("x\n", want, 1), seen)


def test_another_output_fails_with_its_place() -> None:
    with pytest.raises(AssertionError, match=r"docs/PAGE.md:7: 1 \+ 1"):
        check(PAGE, Step("1 + 1\n", "2\n", 7), "3\n")
