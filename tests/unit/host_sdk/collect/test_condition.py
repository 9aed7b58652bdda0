"""Conditions on results."""

from __future__ import annotations

import pytest

from host_sdk.collect.condition import read_condition
from host_sdk.errors import InputError

FIELDS = {"score": 0.5, "label": "coin", "count": 2, "box": (1.0, 2.0), "zero": 0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("score < 0.6", True),
        ("score<0.5", False),
        ("0.3 < score <= 0.5", True),
        ("0.5 < score < 0.6", False),
        ('label == "coin" and count > 1', True),
        ("label != 'coin' or count >= 3", False),
        ("not (label == 'x' or zero)", True),
        ("score > -1", True),
        ("count", True),
        ("zero", False),
        ("missing", False),
        ("missing < 1", False),
        ("missing != 1", False),
        ("not missing < 1", True),
        ("label < 3", False),
        ("label != 3", False),
        ("box < 3", False),
        ("True", True),
    ],
)
def test_meaning(text: str, expected: bool) -> None:
    assert read_condition(text)(FIELDS) is expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "score.real < 1",
        "box[0] < 1",
        "score + 1 < 2",
        "score in (1, 2)",
        "score is None",
        "lambda: 1",
        "[1]",
        "f'{score}'",
        "(x := 1)",
        "b'a' == label",
        "1j < 2",
        "",
        "score <",
        "a; b",
        "a\x00b",
        "(" * 300 + "a" + ")" * 300,
        "a and " * 300 + "a",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="condition"):
        read_condition(text)


def test_the_place_is_named() -> None:
    with pytest.raises(InputError, match="column 11: must be of names"):
        read_condition("score and min(1)")
