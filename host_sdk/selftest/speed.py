"""How long the reference network takes: the same model on every board."""

from __future__ import annotations

import numpy as np

from host_sdk.selftest.bench import Bench

NAME = "speed: reference network"
_RUNS = 3


def test_speed(bench: Bench) -> None:
    """Run the reference network; its time is the board's own, without the line."""
    if not bench.can_compile(NAME):
        return
    from host_sdk.selftest.reference import reference_blob

    with bench.trying(NAME), bench.stored("speed") as stored:
        bench.board.load_model(reference_blob(bench.session.info.cpu), stored)
        x = np.zeros(bench.board.model().inputs[0].shape, np.int8)
        best = min(bench.board.profile(x).us for _ in range(_RUNS))
        note = f"fastest of {_RUNS} runs, in place from flash"
        hz = bench.session.info.hz  # 0: the board does not know
        if hz and bench.has_own_clock:
            note += f": {best * hz / 1e6:,.0f} cycles of {hz / 1e6:g} MHz"
        bench.note(NAME, True, best / 1000, "ms", note)
