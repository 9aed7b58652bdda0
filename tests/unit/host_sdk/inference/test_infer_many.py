"""Many runs under way, on a clean and on a noisy wire."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from host_sdk.errors import ResultGoneError
from host_sdk.link.messages import Request
from tests.unit.host_sdk.blobs import make_blob
from tests.unit.host_sdk.conftest import Connect
from tests.unit.host_sdk.wiretap import Noise


def samples(count: int, n: int) -> list[np.ndarray]:
    r = np.random.default_rng(1)
    return [r.integers(-128, 120, (1, n), np.int8) for _ in range(count)]


@pytest.mark.parametrize("n", [8, 9000])  # in the run's own frame, and in several
@pytest.mark.parametrize("noise", [None, Noise(drop=0.03, corrupt=0.03, duplicate=0.03)])
def test_results_come_in_order_and_are_right(connect: Connect, n: int, noise: Noise | None) -> None:
    _, device = connect(noise=noise)
    device.load_model(make_blob(n=n))
    xs = samples(20, n)
    results = device.infer_many(iter(xs), raw=True)
    for x, y in zip(xs, results, strict=True):
        np.testing.assert_array_equal(y, x + 1)


def test_inputs_are_taken_as_they_are_needed(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob())
    taken: list[int] = []

    def endless() -> Iterator[np.ndarray]:
        for i in range(1_000_000):
            taken.append(i)
            yield np.full((1, 8), i % 100, np.int8)

    results = device.infer_many(endless(), raw=True)
    for i in range(10):
        np.testing.assert_array_equal(next(results), np.full((1, 8), i + 1, np.int8))
    assert len(taken) < 30
    results.close()  # type: ignore[attr-defined]
    np.testing.assert_array_equal(device.infer(np.zeros((1, 8), np.int8), raw=True), [[1] * 8])


def test_a_long_result_that_went_away_is_an_error_and_no_other_bytes(connect: Connect) -> None:
    board, device = connect()
    device.load_model(make_blob(n=9000))
    x = np.zeros((1, 9000), np.int8)
    np.testing.assert_array_equal(device.infer(x, raw=True), x + 1)

    def after_another_input(request: Request) -> None:
        if request.method == "out_read" and request.params[0] != 0:
            board.pass_on(Request(1, "in_write", (0, 0, b"other")))
        board.pass_on(request)

    board.take = after_another_input
    with pytest.raises(ResultGoneError, match=r"out_read: the result of that run is not there"):
        device.infer(x, raw=True)


def test_nothing_gives_nothing(connect: Connect) -> None:
    _, device = connect()
    device.load_model(make_blob())
    assert list(device.infer_many([])) == []
