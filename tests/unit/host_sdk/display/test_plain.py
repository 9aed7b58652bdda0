"""Texts of anybody as one line, as lines, and as names of files."""

from __future__ import annotations

import string
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host_sdk.display.plain import plain_file_name, plain_line, plain_text

HOSTILE = [
    "\x1b[2J",  # CSI: clear the screen
    "\x1b]0;title\x07",  # OSC: the window's title
    "\x1b]8;;http://x\x1b\\here\x1b]8;;\x1b\\",  # OSC: a link
    "\x9b2J",  # the same by a C1 control
    "a\r\nb\x00\x08\x7f",
    "\u202eexe.py\u2066\u200b\u2028",  # right-to-left override, zero width, line separator
    "\ud800",  # half of a pair
]
ALLOWED = set(string.ascii_letters + string.digits + "._-%")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_steers_a_terminal_is_escaped(text: str) -> None:
    assert plain_line(text).isprintable()
    assert plain_text(text).replace("\n", "").isprintable()
    assert plain_line(plain_line(text)) == plain_line(text)


def test_escapes_are_those_of_python() -> None:
    assert plain_line("\x1b[2J\n\u202e") == "\\x1b[2J\\n\\u202e"
    assert plain_text("a\r\n\tb\x1b") == "a\n\tb\\x1b"


def test_other_texts_stay() -> None:
    for text in ("", "coins v2", "Münze µs 数字", "[red]a[/] <b>"):
        assert plain_line(text) == plain_text(text) == text


@given(st.text(), st.integers(0, 20))
def test_a_line_is_short_and_printable(text: str, most: int) -> None:
    line = plain_line(text, most)
    assert line.isprintable()
    assert len(line) <= 10 * most + 3


def test_a_flood_is_cut() -> None:
    assert len(plain_line("x" * 10**7)) < 500
    assert len(plain_text("\n" * 10**7)) < 70_000


NAMES = [
    *("..", ".", "", "-rf", ".ssh", "a/b", "../../etc/passwd", "C:\\x", "C:x", "a\0b", "nul"),
    *("CON.txt", "com1", "LPT9.a.b", "conin$", "x.", "x ", "a\x1b[2J", "ü" * 300, "a" * 300, "%2E"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_no_path_no_option_and_no_device(name: str) -> None:
    safe = plain_file_name(name)
    assert set(safe) <= ALLOWED
    assert safe[0] not in ".-"
    assert safe[-1] != "."
    assert len(safe) <= 120
    for path in (PurePosixPath(safe), PureWindowsPath(safe)):
        assert path.parts == (safe,)
    assert not PureWindowsPath(safe).is_reserved()


def test_usual_names_stay() -> None:
    for name in ("main.py", "coins", "labels-v2.txt", "a_b.mpy", "console.py", "common"):
        assert plain_file_name(name) == name


@given(st.text(max_size=150), st.text(max_size=150))
def test_other_names_give_other_files(one: str, other: str) -> None:
    assert (plain_file_name(one) == plain_file_name(other)) == (one == other)


def test_names_that_differ_at_their_end_give_other_files() -> None:
    names = ["x" * 300 + c for c in "abc"] + ["%", "", "%25", ".", "%2E"]
    assert len({plain_file_name(name) for name in names}) == len(names)
