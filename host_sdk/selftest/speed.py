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
        bench.note(NAME, True, best / 1000, "ms", "fastest of 3 runs, in place from flash")
