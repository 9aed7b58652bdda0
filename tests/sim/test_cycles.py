"""The benchmark `cycles` counts what the virtual board's clock counts."""

from __future__ import annotations

import pytest

from benchmarks._cortex_m4 import cycles
from benchmarks._counter import count
from benchmarks.cycles import CPU, check
from relocatable import compile_model
from tests.sim.conftest import example_model

pytestmark = [pytest.mark.sim, pytest.mark.slow]


def test_counts() -> None:
    data = example_model("digits").read_bytes()
    code, profile = count(CPU, compile_model(data, target=CPU, golden=False))
    check(code, profile)
    assert all(i.jumps <= i.count for i in code)
    assert all(i.unaligned == 0 or i.is_memory for i in code)
    executed = sum(i.count for i in code)
    assert executed < sum(cycles(code)) < 3 * executed

    with pytest.raises(RuntimeError, match="by the clock"):
        check(code[: len(code) // 2], profile)
