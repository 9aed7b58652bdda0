"""What a validation adds up, against NumPy by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest

from host_sdk import InputError, TensorInfo
from host_sdk.validation.html.svg import histogram
from host_sdk.validation.litert import differs
from host_sdk.validation.metrics import (
    ClassCounter,
    DifferenceSum,
    label_error,
    rank_of,
    scores_of,
    times_of,
)

QUANTISED = TensorInfo("q", (1, 4), "int8", 0.5, 3)
PLAIN = TensorInfo("f", (1, 4), "float32")


def test_differences_over_several_arrays() -> None:
    rng = np.random.default_rng(0)
    actual, expected = rng.normal(size=(2, 5, 4)).astype(np.float32)
    expected[::2] = actual[::2]
    total = DifferenceSum(PLAIN)
    for a, b in zip(actual, expected, strict=True):
        worst, exact = total.add(a, b)
        assert worst == np.abs(a.astype(float) - b).max()
        assert exact == bool((a == b).all())
    d, error = total.result(), np.abs(actual.astype(float) - expected)
    assert (d.values, d.max_abs, d.max_steps) == (20, error.max(), None)
    assert d.mean_abs == pytest.approx(error.mean())
    assert d.rmse == pytest.approx(np.sqrt((error**2).mean()))
    a, b = actual.ravel().astype(float), expected.ravel().astype(float)
    assert d.cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert d.exact == np.mean(actual == expected)


def test_quantised_differences_are_in_real_values_and_in_steps() -> None:
    total = DifferenceSum(QUANTISED)
    total.add(np.array([3, 5, -128, 7], np.int8), np.array([3, 7, 127, 7], np.int8))
    d = total.result()
    assert (d.max_abs, d.mean_abs, d.max_steps) == (127.5, 32.125, 255)
    assert d.exact == 0.5


def test_differences_bit_by_bit() -> None:
    total = DifferenceSum(PLAIN)
    worst, exact = total.add(
        np.array([0.0, np.inf, np.nan, 1.0], np.float32),
        np.array([-0.0, np.inf, np.nan, 1.0], np.float32),
    )
    assert (worst, exact) == (0.0, False)  # the two zeros are not the same bits
    assert total.result().exact == 0.75


def test_cosine_of_nothing() -> None:
    both, one = DifferenceSum(PLAIN), DifferenceSum(PLAIN)
    zeros = np.zeros(4, np.float32)
    both.add(zeros, zeros)
    one.add(zeros, zeros + 1)
    assert (both.result().cosine, one.result().cosine) == (1.0, 0.0)


def test_ranks_of_equal_scores_go_by_index() -> None:
    scores = np.array([1.0, 4.0, 4.0, 0.0])
    assert [rank_of(scores, i) for i in range(4)] == [2, 0, 1, 3]
    order = np.argsort(-scores, kind="stable")
    assert [int(order[rank_of(scores, i)]) for i in range(4)] == [0, 1, 2, 3]


def test_classification() -> None:
    rng = np.random.default_rng(1)
    scores, labels = rng.random((50, 6)), rng.integers(0, 6, 50)
    reference = rng.random((50, 6))
    counter = ClassCounter(["a", "b"])
    for row, label, other in zip(scores, labels, reference, strict=True):
        counter.add(int(label), row, other)
    c = counter.result()
    assert c is not None
    hits = scores.argmax(1) == labels
    assert (c.images, c.correct, c.accuracy) == (50, hits.sum(), hits.mean())
    order = np.argsort(-scores, axis=1)
    for k in (1, 3, 5):
        assert c.top[k] == np.mean([label in o[:k] for o, label in zip(order, labels, strict=True)])
    expected = np.zeros((6, 6), int)
    np.add.at(expected, (labels, scores.argmax(1)), 1)
    np.testing.assert_array_equal(c.confusion, expected)
    assert c.labels == ("a", "b", "2", "3", "4", "5")
    assert c.reference_correct == (reference.argmax(1) == labels).sum()
    assert c.label_error == pytest.approx(np.abs(scores - np.eye(6)[labels]).mean())


def test_one_score_is_of_two_classes() -> None:
    np.testing.assert_allclose(scores_of(np.array([[0.75]], np.float32)), [0.25, 0.75])
    counter = ClassCounter([])
    counter.add(1, scores_of(np.array([0.75])), None)
    counter.add(1, scores_of(np.array([0.25])), None)
    c = counter.result()
    assert c is not None
    assert (c.accuracy, c.top, c.confusion) == (0.5, {1: 0.5}, ((0, 0), (1, 1)))
    assert c.reference_accuracy is None


def test_an_error_from_the_one_hot_label_is_of_shares() -> None:
    shares = np.array([0.5, 0.25, 0.25])
    assert label_error(shares, 0) == 1 / 3
    assert label_error(shares, 1) == 0.5
    assert label_error(np.array([0.0, 1.0]), 1) == 0.0
    for score in (1.001, -0.001, np.nan):
        assert label_error(np.array([score, 0.5]), 1) is None
    counter = ClassCounter([])
    assert counter.add(0, shares, None) == 1 / 3
    assert counter.add(1, shares, None) == 0.5
    assert counter.result().label_error == pytest.approx(5 / 12)  # type: ignore[union-attr]
    assert counter.add(1, shares + 1, None) is None
    assert counter.result().label_error is None  # type: ignore[union-attr]


def test_a_label_that_is_no_class() -> None:
    with pytest.raises(InputError, match="below 3, the classes; one is 3"):
        ClassCounter([]).add(3, np.zeros(3), None)


def test_times() -> None:
    us = np.random.default_rng(2).gamma(2, 100, 333)
    t = times_of(us)
    assert (t.mean, t.max) == (us.mean(), us.max())
    assert (t.p50, t.p95) == (np.median(us), np.quantile(us, 0.95))


def test_when_a_tensor_differs() -> None:
    ints = np.array([1, 2], np.int8)
    assert not differs(ints, ints)
    assert differs(ints, ints + np.int8(1))
    floats = np.array([1000.0, 1e-3], np.float32)
    assert not differs(floats + np.float32(0.005), floats)
    assert differs(floats + np.float32(0.02), floats)
    odd = np.array([np.nan, np.inf], np.float32)
    assert not differs(odd, odd)
    assert differs(odd, np.array([np.nan, 1.0], np.float32))


def test_histogram_counts_outliers_beside() -> None:
    values = [*np.linspace(1.0, 2.0, 99), 500.0]
    plot = histogram(values, "ms", [("p50", 1.5)], "times")
    counts = [int(n) for n in re.findall(r"<title>(\d+) at", plot)]
    assert (len(counts), sum(counts)) == (40, 99)
    assert "1 beyond" in plot
    flat = histogram([3.0, 3.0], "ms", [], "times")
    assert "<title>2 at" in flat
    assert "beyond" not in flat
