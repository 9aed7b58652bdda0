"""A model compiled for little RAM, on the real firmware."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks._stand_ins import micro_speech
from host_sdk import CompileError, Device

pytestmark = pytest.mark.sim


def test_the_least_ram_is_exact_on_a_board() -> None:
    model = micro_speech()
    samples = np.random.default_rng(7).integers(-128, 128, (4, 1, 1960), np.int8)
    with Device("sim://cortex-m4") as board:
        board.load_model(model, "fast")
        fast = board.model().arena_bytes
        with pytest.raises(CompileError, match="bytes of the arena must be at most 1024; is"):
            board.load_model(model, "small", max_ram=1024)
        board.load_model(model, "small", max_ram=8192)
        assert board.model().arena_bytes <= 8192 < 16384 < fast
        board.load_model(model, "least", optimize="ram")
        assert board.model().arena_bytes < 5000
        report = board.validate(samples)
    assert (report.reference, report.exact_samples) == ("litert", 4)
