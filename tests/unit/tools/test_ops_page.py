"""docs/OPS.md: every operator of TensorFlow Lite Micro has a line."""

from __future__ import annotations

from collections import Counter

from relocatable.ops import OPERATORS
from tools.ops_table import row, tflm_operators


def test_every_operator_of_tflm_is_listed() -> None:
    kinds, date, commit = tflm_operators()
    assert len(kinds) == 118
    assert date
    assert len(commit) == 7
    line = row("CUSTOM ethos-u", True, Counter())
    assert line.startswith("| CUSTOM ethos-u | | | | | not taken")


def test_a_line_tells_kernels_and_cases() -> None:
    line = row("CONV_2D", True, Counter({("CONV_2D", "int8"): 1060}))
    assert line.startswith("| [CONV_2D](#conv_2d) | C D H 1,060 |")
    assert "| C new |" in line
    assert row("GELU", False, Counter()).startswith("| *[GELU](#gelu)* |")


def test_operators_without_samples_say_why() -> None:
    for operator in OPERATORS.values():
        if not operator.samples:
            line = row(operator.kind, True, Counter())
            assert line.endswith(("computed at compile time |", "variables become states |"))
