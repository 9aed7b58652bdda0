"""Models that keep a state, on the real firmware."""

from __future__ import annotations

import numpy as np
import pytest

from host_sdk import Device
from relocatable import compile_model
from relocatable.blob.host import HostModel
from tests.variables import streaming_model

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m55"])
def test_a_streaming_model_is_exact_on_a_board(cpu: str) -> None:
    samples = np.random.default_rng(4).integers(-128, 128, (8, 1, 3, 8), np.int8)
    with Device(f"sim://{cpu}") as board:
        board.load_model(streaming_model())  # its golden vector has three runs
        assert board.model().state_bytes > 0
        for sequence in (False, True):
            report = board.validate(samples, sequence=sequence)
            assert (report.reference, report.exact_samples) == ("litert", 8)
        trace = board.trace(samples[0])
    assert trace.first_difference is None, trace
    assert trace.compared + trace.streamed == len(trace.rows)


def test_open_models_keep_their_states_apart() -> None:
    """Two of one blob run by turns, and one of them is reset between its runs."""
    samples = np.random.default_rng(5).integers(-128, 128, (12, 1, 3, 8), np.int8)
    turns = [(n % 2, n in (4, 9)) for n in range(12)]  # which one runs, whether it is reset first
    blob = compile_model(streaming_model(), target="host", golden=False)
    with HostModel(blob) as first, HostModel(blob) as second:
        expected = []
        for sample, (which, resets) in zip(samples, turns, strict=True):
            host = (first, second)[which]
            if resets:
                host.reset_state()
            host.write_inputs([sample])
            host.run()
            [output] = host.outputs()
            expected.append(output.tobytes())
    with Device("sim://cortex-m4") as board:
        board.load_model(streaming_model(), "stream")
        board.exec("import xipnet\nmodels = [xipnet.Model('stream') for _ in range(2)]\nmade = []")
        for sample, (which, resets) in zip(samples, turns, strict=True):
            if resets:
                board.exec(f"models[{which}].reset_state()")
            board.exec(f"made.append(bytes(models[{which}].run({sample.tobytes()!r})))")
        assert board.eval("made") == expected
    assert len(set(expected)) == len(expected)
