"""Validation and traces of a model that keeps a state."""

from __future__ import annotations

import numpy as np
import pytest

from host_sdk import validate_on_host
from host_sdk.validation.litert import Reference
from host_sdk.validation.trace import trace_on_host
from tests.variables import streaming_model

MODEL = streaming_model()
SAMPLES = np.random.default_rng(4).integers(-128, 128, (6, 1, 3, 8), np.int8)


@pytest.mark.parametrize("sequence", [False, True])
def test_the_reference_keeps_what_the_model_keeps(sequence: bool) -> None:
    report = validate_on_host(MODEL, SAMPLES, sequence=sequence)
    assert report.exact_samples == len(SAMPLES)


def test_the_reference_begins_again() -> None:
    with Reference(MODEL) as reference:
        [first] = reference.run([SAMPLES[0]])
        [second] = reference.run([SAMPLES[0]])
        reference.reset_state()
        [again] = reference.run([SAMPLES[0]])
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_a_trace_begins_from_a_reset_state() -> None:
    traced = trace_on_host(MODEL, SAMPLES[0])
    assert traced.first_difference is None, traced
    assert traced.compared == len(traced.rows)
